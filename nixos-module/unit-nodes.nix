# What the configuration says about the place of each unit in the order: what it waits for, what it starts before, and which targets it belongs to.
{
  config,
  lib,
  options,
  utils,
}:

let
  fileSystems = import ./file-systems.nix { inherit config lib; };
  keySources = import ../module-common/key-sources.nix {
    inherit lib;
    cfg = config.sops;
  };
  services = config.systemd.services;
  definitionsOf = import ./definitions.nix { inherit config lib options; };
  # Our units, with their names in sops-nix.
  ours = {
    sops-nix = "sops-install-secrets";
    sops-nix-for-users = "sops-install-secrets-for-users";
    sops-nix-for-file-systems = null;
    sops-nix-generate-age-key = null;
    sops-nix-first-boot = null;
  };

  # A list of units or paths, from an option or a field of a unit file.
  words = values: lib.filter (word: word != "") (lib.splitString " " (toString values));

  # A list of units, from an option and from the field of the unit file that the option sets.
  units =
    unit: option: field:
    words (unit.${option} or [ ]) ++ words (unit.unitConfig.${field} or [ ]);

  mountOf = fs: "${utils.escapeSystemdPath fs.mountPoint}.mount";

  # The mount units of paths, except for those that the initrd has already mounted.
  mountsOf =
    paths:
    map mountOf (lib.filter (fs: !utils.fsNeededForBoot fs) (lib.concatMap fileSystems.above paths));
  # The mount units that a section of a unit file requires by a path.
  requiredMounts =
    section:
    mountsOf (
      map (lib.removeSuffix "\"") (
        map (lib.removePrefix "\"") (
          words (section.RequiresMountsFor or [ ]) ++ words (section.WantsMountsFor or [ ])
        )
      )
    );

  inherit (import ./unit-fields.nix { inherit lib; }) hasDefaults isNo;
  inherit (import ./unit-templates.nix { inherit lib; }) instanceOf templateOf;
  hasPrivateTmp = unit: !isNo (unit.serviceConfig.PrivateTmp or false);

  node = type: name: unit: {
    name = "${name}.${type}";
    value = {
      aliases = unit.aliases or [ ];
      after =
        units unit "after" "After"
        ++ requiredMounts (unit.unitConfig or { })
        ++ lib.optional (hasPrivateTmp unit) "systemd-tmpfiles-setup.service";
      before = units unit "before" "Before";
      members = units unit "wants" "Wants" ++ units unit "requires" "Requires";
      memberOf = (unit.wantedBy or [ ]) ++ (unit.requiredBy or [ ]);
      hasDefaults = hasDefaults unit;
      isTarget = type == "target";
      isService = type == "service";
      isOrdinary =
        hasDefaults unit
        && lib.elem type [
          "path"
          "service"
          "socket"
          "timer"
        ];
    };
  };

  # The mounts that hold keys; our units require them.
  keyMounts = mountsOf keySources.pathsAtBoot;

  # Whether our units are ordered before sysinit.target depends on the result of this file. So this file must not read `before` of
  # our units, nor their `unitConfig`, which contains the same order. It reads only what others define in `unitConfig`.
  ourNode =
    name: formerName:
    let
      section = (definitionsOf name).unitConfig;
      former = services.${formerName} or { };
    in
    {
      name = "${name}.service";
      value = (node "service" name { }).value // {
        after =
          services.${name}.after or [ ]
          ++ words (section.After or [ ])
          ++ keyMounts
          ++ requiredMounts section
          ++ lib.optionals (formerName != null) (
            units former "after" "After" ++ requiredMounts (former.unitConfig or { })
          );
        aliases = lib.optional (formerName != null) "${formerName}.service";
        isOrdinary = false;
      };
    };
  ourNames = lib.attrNames ours ++ lib.attrValues ours;

  enabled = lib.filterAttrs (name: unit: !lib.elem name ourNames && unit.enable or true);
  nodesOf =
    type:
    let
      all = enabled (config.systemd."${type}s" or { });
    in
    lib.mapAttrsToList (name: unit: node type name (withTemplate all name unit)) all;

  # For a drop-in of an instance, the unit that systemd makes of the template and the drop-in: lists add up, and of other settings the last one counts.
  withTemplate =
    all: name: unit:
    let
      template = all.${templateOf name} or { };
      ofInstance = lib.replaceStrings [ "%i" ] [ (instanceOf name) ];
      listOf = option: map ofInstance (template.${option} or [ ]) ++ unit.${option} or [ ];
      sectionOf =
        option:
        lib.zipAttrsWith
          (
            field: values:
            if lib.elem field listFields then ofInstance (toString (lib.flatten values)) else lib.last values
          )
          (
            lib.catAttrs option [
              template
              unit
            ]
          );
    in
    if unit.overrideStrategy or "" != "asDropin" || template == { } then
      unit
    else
      unit
      // lib.genAttrs [ "after" "before" "requires" "wants" ] listOf
      // lib.genAttrs [ "serviceConfig" "unitConfig" ] sectionOf;
  listFields = [
    "After"
    "Before"
    "Requires"
    "RequiresMountsFor"
    "Wants"
    "WantsMountsFor"
  ];

  # A file system that the initrd has mounted waits for nothing. Any other file system waits for the file systems on which its
  # device or its mount point lies. A remote file system also waits for the network, so its unit is an ordinary unit.
  mountNode =
    fs: unit:
    let
      node' = node "mount" (utils.escapeSystemdPath fs.mountPoint) unit;
      isLate = !utils.fsNeededForBoot fs;
      isRemote = isLate && fileSystems.isRemote fs;
    in
    lib.recursiveUpdate node' {
      value.isOrdinary = isRemote;
      value.after =
        node'.value.after
        ++ lib.optionals isLate (mountsOf (fileSystems.partsOf fs) ++ opened fs)
        ++ lib.optionals isRemote [
          "network-online.target"
          "remote-fs-pre.target"
        ]
        ++ lib.optional (isLate && !isRemote && node'.value.hasDefaults) "local-fs-pre.target";
    };

  # The unit that opens the encrypted disk of a file system.
  opened =
    fs:
    let
      device = toString (fs.device or "");
    in
    lib.optional (lib.hasPrefix "/dev/mapper/" device) "systemd-cryptsetup@${utils.escapeSystemdPath (lib.removePrefix "/dev/mapper/" device)}.service";

  mountNodes = map (unit: mountNode (fileSystems.ofMount unit) unit) (config.systemd.mounts or [ ]);

  # The unit that a value of `x-systemd.after` and the like means: a path means the unit of that device or mount point (systemd.mount(5)).
  unitOf =
    name:
    if lib.hasPrefix "/dev/" name then
      "${utils.escapeSystemdPath name}.device"
    else if lib.hasPrefix "/" name then
      "${utils.escapeSystemdPath name}.mount"
    else
      name;

  # systemd makes mount units from `fileSystems`, too.
  fileSystemNodes = map (
    fs:
    mountNode fs {
      after = map unitOf (fileSystems.waitsFor fs);
      before = map unitOf (fileSystems.valuesOf "x-systemd.before" fs);
      requiredBy = fileSystems.valuesOf "x-systemd.required-by" fs;
      wantedBy = fileSystems.valuesOf "x-systemd.wanted-by" fs;
    }
  ) (lib.attrValues (config.fileSystems or { }));

  nodes = lib.listToAttrs (
    fileSystemNodes
    ++ mountNodes
    ++ lib.concatMap nodesOf [
      "path"
      "service"
      "socket"
      "target"
      "timer"
    ]
    ++ lib.mapAttrsToList ourNode ours
  );
in
{
  inherit keyMounts mountOf nodes;
}
