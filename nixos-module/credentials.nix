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
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };
  definitionsOf = import ./definitions.nix { inherit config lib options; };
  inherit (import ./needs.nix { inherit lib; }) needOf;

  serviceOf = lib.removeSuffix ".service";
  quoted = lib.strings.escapeNixIdentifier;

  # What a service gets. A secret that does not exist is refused below. For an instance, only a drop-in is made: a whole unit would replace the template.
  serviceWith = unit: credentials: {
    ${serviceOf unit} = {
      after = lib.unique (map installerOf (secretsOf credentials));
      serviceConfig.LoadCredential = lib.mapAttrsToList (
        credential: secret: "${credential}:${unitPath.plain (fileOf secret)}"
      ) (lib.filterAttrs (_: secret: cfg.secrets ? ${secret}) credentials);
    }
    // lib.optionalAttrs (lib.hasInfix "@" unit) { overrideStrategy = lib.mkDefault "asDropin"; };
  };
  secretsOf = credentials: lib.filter (secret: cfg.secrets ? ${secret}) (lib.attrValues credentials);
  phaseOf =
    secret:
    lib.findFirst (phase: phase.option == needOf cfg.secrets.${secret}) phases.regular phases.all;
  installerOf = secret: "sops-nix${(phaseOf secret).suffix}.service";
  # The file itself: what `path` names may be a link that comes later.
  fileOf = secret: "${(phaseOf secret).directory}/${cfg.secrets.${secret}.name}";

  # Whether anything but this file defines the service, or the template of an instance.
  isDefined =
    service: (definitionsOf service).isDefined || (definitionsOf (templateOf service)).isDefined;
  # `getty@` for `getty@tty1`; the name itself for a service that is no instance.
  templateOf =
    service: lib.head (lib.splitString "@" service) + lib.optionalString (lib.hasInfix "@" service) "@";

  # A service cannot get what is installed after it has started.
  tooEarly = import ./too-early.nix { inherit lib ordering; };
  orderAssertion =
    unit: secret:
    let
      early = tooEarly "${serviceOf unit}.service" (installerOf secret);
    in
    {
      assertion = !early.isTooEarly;
      message =
        "sops.credentials.${quoted unit}: ${early.text}, so it cannot get ${secret}: remove that order"
        + lib.optionalString (
          needOf cfg.secrets.${secret} == null
        ) ", or set sops.secrets.${quoted secret}.neededForFileSystems to true"
        + ".";
    };

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
        message = "${option}: systemd.services has no ${service}: correct the name. If a package brings the unit, add systemd.services.${quoted service} = { }.";
      }
    ]
    ++ map (orderAssertion unit) (secretsOf cfg.credentials.${unit})
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
