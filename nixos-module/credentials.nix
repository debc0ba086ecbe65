# Secrets that services get as systemd credentials. systemd reads the file before it takes any right away from the service, so the secret can stay root's.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  inherit (lib) types;
  phases = import ./phases.nix { inherit config lib pkgs; };
  unitPath = import ./unit-path.nix { inherit lib; };
  noKeyYet = import ./no-key-yet.nix;
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };
  definitionsOf = import ./definitions.nix { inherit config lib options; };
  deferral = import ./deferral.nix { inherit lib pkgs cfg; };
  online = import ./online.nix;
  lateKeys = import ./late-keys.nix { inherit config lib utils; };
  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };
  inherit (import ./needs.nix { inherit lib; }) belongsToRoot needOf;
  inherit (import ./unit-templates.nix { inherit lib; }) isInstance templateOf;

  serviceOf = lib.removeSuffix ".service";
  quoted = lib.strings.escapeNixIdentifier;

  # What a service gets. A secret that does not exist is refused below.
  serviceWith =
    unit: credentials:
    let
      service = serviceOf unit;
      inherit (definitionsOf service) fields;
      isDropin = extends service;
    in
    {
      ${service} = {
        after = lib.unique (map installerOf (lib.filter isByUnit (secretsOf credentials)));
        serviceConfig.LoadCredential = lib.mapAttrsToList (
          credential: secret: "${credential}:${unitPath.plain (fileOf secret)}"
        ) (lib.filterAttrs (_: secret: cfg.secrets ? ${secret}) credentials);
        # In a first boot without a key, the file is not there, and the service would fail.
        unitConfig = lib.mkIf (
          cfg.noKeyAtFirstBoot
          && lib.any (secret: needOf cfg.secrets.${secret} == null) (secretsOf credentials)
        ) noKeyYet.section;
        overrideStrategy = lib.mkIf isDropin (lib.mkDefault "asDropin");
        # NixOS writes these variables into every unit. In a drop-in they would replace those of the unit itself. This PATH counts more than that of NixOS, and
        # less than one that the user forces.
        environment = lib.mkIf isDropin (
          lib.mapAttrs (_: _: lib.mkDefault null) (config.systemd.globalEnvironment or { })
          // {
            PATH = lib.mkIf (!fields ? path) (lib.mkOverride 90 null);
          }
        );
      };
    };

  # Whether a service only adds to a unit that exists elsewhere: in a package, or as a template. Then NixOS must not make a whole unit of it, which would
  # replace the other one. A service that has a command to start or to stop is a whole unit.
  extends =
    service:
    let
      others = definitionsOf service;
      isWhole =
        others.fields ? script
        || others.fields ? preStop
        || others.serviceConfig ? ExecStart
        || others.serviceConfig ? ExecStop;
    in
    !others.exist || isInstance service && !isWhole && !others.fields ? overrideStrategy;

  secretsOf = credentials: lib.filter (secret: cfg.secrets ? ${secret}) (lib.attrValues credentials);
  phaseOf =
    secret:
    lib.findFirst (phase: phase.option == needOf cfg.secrets.${secret}) phases.regular phases.all;
  # A script installs before any unit starts, so no unit has to wait for it.
  isByUnit =
    secret:
    let
      need = needOf cfg.secrets.${secret};
    in
    if need == "neededForUsers" then
      ways.earlyByUnit
    else
      need != null || ways.regularByUnit || isDeferred secret;
  isDeferred = secret: deferral.waits cfg.secrets.${secret};
  installerOf =
    secret: if isDeferred secret then online.unit else "sops-nix${(phaseOf secret).suffix}.service";
  # The file itself: what `path` names may be a link that comes later.
  fileOf = secret: "${(phaseOf secret).directory}/${cfg.secrets.${secret}.name}";

  # Whether anything but this file defines the service, or the template of an instance.
  isDefined =
    service:
    (definitionsOf service).isDefined
    || isInstance service && (definitionsOf (templateOf service)).isDefined;

  # A service cannot get what is installed after it has started.
  tooEarly = import ./too-early.nix { inherit lib ordering; };
  orderAssertion =
    unit: secret:
    let
      service = "${serviceOf unit}.service";
      early = tooEarly service (installerOf secret);
    in
    {
      assertion = !early.isTooEarly;
      message = "sops.credentials.${quoted unit}: ${early.text}, so it cannot get ${secret}: remove that order${sooner service secret}.";
    };

  # How the service can get the secret nevertheless: with the secrets that file systems need, if these are installed before it.
  sooner =
    service: secret:
    let
      startsBefore = installer: (tooEarly service installer).isTooEarly;
      option = "sops.secrets.${quoted secret}";
    in
    if isDeferred secret then
      ", or encrypt the sops file to an age key of this host, too, and name that key in sops.hostRecipients"
    else if
      needOf cfg.secrets.${secret} != null
      || lateKeys != [ ]
      || lib.any startsBefore [
        "sops-nix-for-file-systems.service"
        # That unit waits for this one if it has a secret to install.
        "systemd-remount-fs.service"
      ]
    then
      ""
    else if belongsToRoot cfg.secrets.${secret} then
      ", or set ${option}.neededForFileSystems to true"
    else
      ", or declare ${option} again under another name with neededForFileSystems, and use that";

  unitAssertions = lib.concatMap (
    unit:
    let
      service = serviceOf unit;
      option = "sops.credentials.${quoted unit}";
    in
    [
      {
        assertion = !lib.hasSuffix "@" service;
        message = "${option}: ${service}.service is a template, which is never started itself: name an instance, such as ${service}name.";
      }
      {
        assertion = lib.hasSuffix "@" service || isDefined service;
        message = "${option}: systemd.services has no ${service}: correct the name. If a package or a generator brings the unit, add systemd.services.${quoted service} = { }.";
      }
    ]
    ++ map (orderAssertion unit) (lib.unique (lib.filter isByUnit (secretsOf cfg.credentials.${unit})))
  ) (lib.attrNames cfg.credentials);

  credentialAssertions = lib.concatLists (
    lib.mapAttrsToList (
      unit: credentials:
      lib.concatLists (
        lib.mapAttrsToList (
          credential: secret:
          let
            option = "sops.credentials.${quoted unit}.${quoted credential}";
          in
          [
            {
              assertion = builtins.match "[A-Za-z0-9_.@+-]+" credential != null;
              message = "${option}: a credential's name becomes the name of a file: use letters, digits and the characters _.@+- only.";
            }
            {
              assertion = cfg.secrets ? ${secret};
              message = "${option} is ${secret}, but sops.secrets has no such secret: correct the name, or declare sops.secrets.${quoted secret}.";
            }
          ]
        ) credentials
      )
    ) cfg.credentials
  );
in
{
  options.sops.credentials = lib.mkOption {
    type = types.attrsOf (types.attrsOf types.str);
    default = { };
    example = lib.literalExpression ''{ grafana.admin-password = "grafana/password"; }'';
    description = ''
      Secrets that services get as systemd credentials: for each service, the names of the credentials, each with the name of its secret in
      `sops.secrets`. The service reads the file `$CREDENTIALS_DIRECTORY/<name>`, which is `%d/<name>` in its settings. The service starts after the
      secrets, and is restarted when the content changes. The secret stays root's, so it needs no `owner`, and `DynamicUser` works.
    '';
  };

  config = {
    systemd.services = lib.mkMerge (lib.mapAttrsToList serviceWith cfg.credentials);
    assertions = unitAssertions ++ credentialAssertions;
  };
}
