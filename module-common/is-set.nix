# Whether a configuration sets an option, so that it is not only the default.
{ lib }: option: option.highestPrio < (lib.mkOptionDefault null).priority
