#!/bin/sh
echo "my password has $(wc -c < "$CREDENTIALS_DIRECTORY/password") characters"
exec sleep infinity
