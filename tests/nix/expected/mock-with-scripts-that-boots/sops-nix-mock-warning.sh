#!/bin/sh
echo 'warning: all secrets in /run/secrets are dummies, because sops.mock is on; on a real host, set sops.mock to false, and switch' > /dev/console
