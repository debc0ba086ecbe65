# Secrets are installed in three phases. The early phase runs before users exist, the phase of file systems before file systems are
# mounted. In these two phases all files belong to root, and no user names are looked up. The regular phase runs when users and file
# systems are there. Each phase has its own directory, manifest and installer. Scripts and units differ only in what starts the
# installer.
{
  config,
  lib,
  pkgs,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };

  manifestFor = import ../module-common/manifest.nix { inherit lib pkgs cfg; };
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  installerFor = import ../module-common/installer.nix { inherit lib pkgs cfg; };
  isInStore = import ../module-common/in-store.nix { inherit lib; };
  watchFiles = import ../module-common/watch-files.nix { inherit lib; };
  environmentFiles = import ../module-common/environment-files.nix { inherit lib; };

  # The units that read a file by EnvironmentFile=, by its path.
  environmentFileUnits = environmentFiles.unitsByPath (
    lib.mapAttrs (_: service: service.serviceConfig.EnvironmentFile or [ ]) (
      lib.filterAttrs (_: service: service.enable or true) (config.systemd.services or { })
    )
  );

  inherit (import ./needs.nix { inherit lib; }) isRegular needOf;
  inherit (import ../module-common/mentions.nix { inherit lib pkgs cfg; }) marksOf mentions;
  inherit (import ./known-units.nix { inherit config lib; }) fullName;
  entriesOf = option: lib.filterAttrs (_: entry: needOf entry == option);

  # The services that get a secret as a credential have a copy of it, so they are restarted when it changes.
  consumersOf =
    name:
    map (unit: "${lib.removeSuffix ".service" unit}.service") (
      lib.attrNames (
        lib.filterAttrs (_: credentials: lib.elem name (lib.attrValues credentials)) cfg.credentials
      )
    );
  # So are those that need a secret or template, unless they are reloaded.
  readersOf = entry: lib.subtractLists (map fullName entry.reloadUnits) (map fullName entry.neededBy);
  restartedWith =
    more: entry:
    entry // { restartUnits = lib.unique (entry.restartUnits ++ more ++ readersOf entry); };
  secretsWithReaders = lib.mapAttrs (name: restartedWith (consumersOf name)) cfg.secrets;
  templatesWithReaders = lib.mapAttrs (_: restartedWith [ ]) cfg.templates;

  # A regular template may use a secret of another phase. Then the regular manifest has the secret too, because a template can only
  # use secrets of its own manifest. The secret of the other phase stays as it is, and only that phase tells units and watchers.
  regularCopies =
    templates:
    lib.mapAttrs
      (
        _: secret:
        secret
        // {
          path = "${cfg.secretsDir}/${secret.name}";
          install = "link";
          restartUnits = [ ];
          reloadUnits = [ ];
          watch = false;
        }
      )
      (
        lib.filterAttrs (
          name: secret:
          lib.any (mentions true (marksOf (entriesOf null cfg.secrets) name secret)) (
            lib.attrValues templates
          )
        ) (lib.filterAttrs (_: secret: !isRegular secret) cfg.secrets)
      );

  # `/a` for `/a/b/c`, and `/` for a file in the root directory itself.
  topLevel =
    path:
    let
      parts = lib.filter (part: part != "") (lib.splitString "/" (dirOf path));
    in
    "/${lib.optionalString (parts != [ ]) (lib.head parts)}";

  # The usual places of links. Links of an earlier configuration may be there, and that configuration is not known here.
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
      # The option that puts a secret or a template into this phase.
      option ? null,
      flags ? [ ],
      secrets ? entriesOf option secretsWithReaders,
      templates ? entriesOf option templatesWithReaders,
      # Fields of this manifest alone.
      fields ? { },
    }:
    rec {
      inherit
        suffix
        directory
        option
        secrets
        templates
        ;
      isEmpty = secrets == { } && templates == { };
      # Whether a sops file or the file of a template can change without a change of the manifest.
      readsOutsideStore =
        !lib.all isInStore (
          lib.catAttrs "sopsFile" (lib.attrValues secrets) ++ lib.catAttrs "file" (lib.attrValues templates)
        );
      mountPoint = "${directory}.d";
      # What earlier installations have made outside the mount points, of all phases (`Root::ledger` in src/system/root.rs). It is there only as long as
      # there is something to remove.
      ledger = "/var/lib/sops-nix/ledger.json";

      # Every declared path, and the top-level directories of these paths and of the metrics.
      paths = map (entry: entry.path) (lib.attrValues secrets ++ lib.attrValues templates);
      roots = lib.unique (map topLevel (paths ++ lib.attrValues metrics));

      metrics = lib.optionalAttrs cfg.metrics.enable {
        metricsFile = "${toString cfg.metrics.directory}/sops-nix${suffix}.prom";
      };

      manifest = manifestFor {
        fileName = "manifest${suffix}.json";
        inherit
          secrets
          templates
          mountPoint
          ;
        fields =
          fields
          // metrics
          // lib.optionalAttrs (option == null && keySources.lateKeyFile != null) {
            ageKeyFileMayComeLate = true;
          }
          // lib.optionalAttrs cfg.watch { watchFile = watchFiles.ofPhase directory; };
        symlinkPath = directory;
        userMode = false;
        hostName = config.networking.hostName or null;
        inherit (cfg) useTmpfs;
        furtherFields =
          entry:
          {
            inherit (entry)
              owner
              group
              restartUnits
              reloadUnits
              ;
            uid = zeroIfNull entry.uid;
            gid = zeroIfNull entry.gid;
          }
          // environmentFiles.fieldOf environmentFileUnits entry;
      };

      installerAs =
        scriptName: flags:
        installerFor {
          inherit scriptName manifest flags;
          # This home belongs to nobody, so that no person's own keys are used.
          defaultEnvironment.HOME = "/var/empty";
        };

      # Key services are asked by a unit of their own, when the network is there. It also uses a key that comes late.
      installer = installerAs "sops-nix${suffix}" (
        flags
        ++ lib.optional (
          cfg.keyServices.enable || option == null && keySources.lateKeyFile != null
        ) "-key-services=defer"
      );
      completer = installerAs "sops-nix-online" [ "-key-services=complete" ];
    };
in
rec {
  inherit marksOf mentions usualRoots;

  # Warnings about files that units read by EnvironmentFile=.
  environmentFileWarnings = lib.concatMap (
    { option, entry }: environmentFiles.warningOf environmentFileUnits option entry
  ) entries;

  early = phase {
    suffix = "-for-users";
    directory = cfg.secretsForUsersDir;
    option = "neededForUsers";
    flags = [ "-ignore-passwd" ];
  };

  fileSystems = phase {
    suffix = "-for-file-systems";
    directory = cfg.secretsForFileSystemsDir;
    option = "neededForFileSystems";
    flags = [ "-ignore-passwd" ];
    fields.forFileSystems = true;
  };

  regular = phase rec {
    suffix = "";
    directory = cfg.secretsDir;
    secrets = entriesOf null secretsWithReaders // regularCopies templates;
    templates = entriesOf null templatesWithReaders;
  };

  all = [
    early
    fileSystems
    regular
  ];

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

  # What the phases install, and where. If a regular template uses a secret of another phase, that secret is in the list twice.
  places =
    let
      placed =
        phase: kind:
        lib.mapAttrsToList (name: entry: {
          inherit kind;
          inherit (phase) directory;
          inherit (entry)
            name
            path
            install
            copyToDisk
            ;
          option =
            optionName kind name
            + lib.optionalString (
              phase.option == null && !isRegular entry
            ) " (which a template without ${needOf entry} uses)";
        }) phase.${kind};
    in
    lib.concatMap (phase: placed phase "secrets" ++ placed phase "templates") all;
}
