# The two times at which secrets are installed: early, before users exist, as root and without looking up a name; and regularly, when users exist.
# Each has its directory, its manifest and its installer. Scripts and units only differ in what starts the installer.
{
  config,
  lib,
  pkgs,
}:

let
  cfg = config.sops;

  manifestFor = import ../module-common/manifest.nix { inherit lib pkgs cfg; };
  installerFor = import ../module-common/installer.nix { inherit lib pkgs cfg; };
  templateText = import ../module-common/template-text.nix { inherit lib pkgs; };

  isEarly = _: entry: entry.neededForUsers;
  isRegular = name: entry: !isEarly name entry;

  # A file is read here only if nothing has to be built for that.
  isReadable = file: !builtins.hasContext "${toString file}" && builtins.pathExists file;

  # Whether the template has the token in it. Of one whose text is only known after a build, `otherwise` is said.
  mentions =
    otherwise: token: template:
    let
      isOwn = templateText.hasOwnFile template;
      text = if isOwn then builtins.readFile template.file else template.content;
    in
    if isOwn && !isReadable template.file then
      otherwise
    else
      # Not `lib.hasInfix`: its regular expression overflows the stack on a long text.
      builtins.replaceStrings [ token ] [ "" ] text != text;

  # A regular template may use an early secret. It is installed a second time then, by the regular manifest: only what a manifest
  # lists can be rendered, and what early users see has to stay as it is. Its units hear of a change once, from the early phase.
  regularCopies =
    templates:
    lib.mapAttrs
      (
        _: secret:
        secret
        // {
          path = "${cfg.secretsDir}/${secret.name}";
          restartUnits = [ ];
          reloadUnits = [ ];
        }
      )
      (
        lib.filterAttrs (
          name: _: lib.any (mentions true "${cfg.placeholder.${name}}") (lib.attrValues templates)
        ) (lib.filterAttrs isEarly cfg.secrets)
      );

  # `/a` of `/a/b/c`, and `/` of a file in the root directory itself.
  topLevel =
    path:
    let
      parts = lib.filter (part: part != "") (lib.splitString "/" (dirOf path));
    in
    "/${lib.optionalString (parts != [ ]) (lib.head parts)}";

  # Where links of secrets usually are. They may be an earlier configuration's, whose declarations are no longer known here.
  usualRoots = [
    "/etc"
    "/home"
    "/opt"
    "/root"
    "/run"
    "/srv"
    "/var"
  ];

  optionName = kind: name: "sops.${kind}.${lib.strings.escapeNixIdentifier name}";

  zeroIfNull = number: if number == null then 0 else number;

  phase =
    {
      suffix,
      directory,
      flags,
      secrets,
      templates,
    }:
    rec {
      inherit
        suffix
        directory
        secrets
        templates
        ;
      isEmpty = secrets == { } && templates == { };
      mountPoint = "${directory}.d";

      # Every place that is declared, and the top-level directories below which the installer writes because of them.
      paths = map (entry: entry.path) (lib.attrValues secrets ++ lib.attrValues templates);
      roots = lib.unique (map topLevel paths);

      manifest = manifestFor {
        fileName = "manifest${suffix}.json";
        inherit secrets templates mountPoint;
        symlinkPath = directory;
        userMode = false;
        inherit (cfg) useTmpfs;
        furtherFields = entry: {
          inherit (entry)
            owner
            group
            restartUnits
            reloadUnits
            ;
          uid = zeroIfNull entry.uid;
          gid = zeroIfNull entry.gid;
        };
      };

      installer = installerFor {
        scriptName = "sops-nix${suffix}";
        inherit manifest flags;
        # Nobody lives there, so that nobody's personal keys get in.
        defaultEnvironment.HOME = "/var/empty";
      };
    };
in
rec {
  inherit mentions usualRoots;

  early = phase {
    suffix = "-for-users";
    directory = cfg.secretsForUsersDir;
    flags = [ "-ignore-passwd" ];
    secrets = lib.filterAttrs isEarly cfg.secrets;
    templates = lib.filterAttrs isEarly cfg.templates;
  };

  regular = phase rec {
    suffix = "";
    directory = cfg.secretsDir;
    flags = [ ];
    secrets = lib.filterAttrs isRegular cfg.secrets // regularCopies templates;
    templates = lib.filterAttrs isRegular cfg.templates;
  };

  # Every secret and template of the configuration, with its option name for messages.
  entries =
    let
      named = kind: name: entry: {
        inherit entry;
        option = optionName kind name;
      };
    in
    lib.mapAttrsToList (named "secrets") cfg.secrets
    ++ lib.mapAttrsToList (named "templates") cfg.templates;

  # What either phase installs, where. An early secret that a regular template uses is there twice.
  places =
    let
      placed =
        phase: kind:
        lib.mapAttrsToList (name: entry: {
          inherit kind;
          inherit (phase) directory;
          inherit (entry) name path;
          option =
            optionName kind name
            + lib.optionalString (
              entry.neededForUsers && phase.directory == cfg.secretsDir
            ) " (for a template without neededForUsers)";
        }) phase.${kind};
    in
    lib.concatMap (phase: placed phase "secrets" ++ placed phase "templates") [
      early
      regular
    ];
}
