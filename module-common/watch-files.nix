# The files that are written when secrets change, for programs that watch: their options, and where they are.
{ lib }:

rec {
  # The file of a phase of the system, whose secrets are in `directory`.
  ofPhase = directory: "/run/sops-nix/changed/${baseNameOf directory}";

  # The file of a user's secrets.
  ofUser = "%r/sops-nix/changed/secrets";

  # The file of a secret or a template, whose place below the directory of its phase is `place`. `whole` is the file of the phase.
  ofEntry = whole: place: "${whole}.d/${place}";

  # The option of a whole phase.
  optionOfPhases = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = ''
      Whether to write `/run/sops-nix/changed/secrets` each time some secret or template changes, for programs that watch. Secrets with
      `neededForUsers` have `/run/sops-nix/changed/secrets-for-users`, those with `neededForFileSystems`
      `/run/sops-nix/changed/secrets-for-file-systems`, and those of a user `%r/sops-nix/changed/secrets`.
    '';
  };

  # The options of a secret or a template, whose file is `file`.
  optionsOf =
    { file, pattern }:
    {
      watch = lib.mkOption {
        type = lib.types.bool;
        default = false;
        description = ''
          Whether to write `watchFile` each time the content, owner, group or mode of the file changes. The file itself cannot be watched: a
          changed one is another file.
        '';
      };

      watchFile = lib.mkOption {
        type = lib.types.str;
        readOnly = true;
        default = file;
        defaultText = lib.literalMD pattern;
        description = ''
          What to watch if `watch` is on, by `PathChanged=` of a path unit for instance. It is written once for each change, after the new file
          is at its place, and has nothing of the secret in it. Everybody who can reach it can read it. In a unit of a user, `%t` stands for `%r`.
        '';
      };
    };
}
