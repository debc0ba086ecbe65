# Shell commands that remove a memory disk of macOS with the secrets on it, and the directory on which it is mounted.
{ pkgs }:

# The directory, as a word of a shell script.
directory: ''
  # hdiutil knows the directory by its path without symlinks. Only a disk with this file is ours.
  if [ -e ${directory}/sops-nix-secretfs ]; then
    /usr/bin/hdiutil detach "$(cd ${directory} && pwd -P)" -force > /dev/null || true
  fi
  ${pkgs.coreutils}/bin/rm -rf ${directory}
''
