# Which units a unit waits for. An ordinary unit starts after sysinit.target. If one of our units waits for an ordinary unit, it cannot be ordered before
# that target: this would be a cycle, and systemd would break it by not starting one of the units.
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
  sysinit = "sysinit.target";
  keyUnit = "sops-nix-generate-age-key.service";
  usersUnit = "sops-nix-for-users.service";

  # Our units, with their names in sops-nix.
  ours = {
    sops-nix = "sops-install-secrets";
    sops-nix-for-users = "sops-install-secrets-for-users";
    sops-nix-for-file-systems = null;
    sops-nix-generate-age-key = null;
  };

  inherit (import ./early-units.nix { inherit config lib; }) earlyUnits earlyByName;

  # A list of units or paths, from an option or a field of a unit file.
  words = values: lib.filter (word: word != "") (lib.splitString " " (toString values));

  # A list of units, from an option and from the field of the unit file that the option sets.
  units =
    unit: option: field:
    words (unit.${option} or [ ]) ++ words (unit.unitConfig.${field} or [ ]);

  # The mount units of paths, except for those that the initrd has already mounted.
  mountsOf =
    paths:
    map (fs: "${utils.escapeSystemdPath fs.mountPoint}.mount") (
      lib.filter (fs: !utils.fsNeededForBoot fs) (lib.concatMap fileSystems.above paths)
    );
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
  keyMounts = mountsOf keySources.paths;

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
  nodesOf = type: lib.mapAttrsToList (node type) (enabled (config.systemd."${type}s" or { }));

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
        ++ lib.optionals isLate (mountsOf (fileSystems.partsOf fs))
        ++ lib.optionals isRemote [
          "network-online.target"
          "remote-fs-pre.target"
        ]
        ++ lib.optional (isLate && !isRemote && node'.value.hasDefaults) "local-fs-pre.target";
    };

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

  # For each unit, the units that name it in a field.
  naming =
    field:
    lib.mapAttrs (_: map (pair: pair.by)) (
      lib.groupBy (pair: pair.unit) (
        lib.concatLists (
          lib.mapAttrsToList (by: node: map (unit: { inherit by unit; }) node.${field}) nodes
        )
      )
    );
  before = naming "before";
  memberOf = naming "memberOf";
  aliased = lib.mapAttrs (_: lib.head) (naming "aliases");

  # A target waits for its members, if both have default dependencies.
  membersOf =
    unit: target:
    lib.optionals (target.isTarget && target.hasDefaults) (
      lib.filter (member: (nodes.${member} or { hasDefaults = true; }).hasDefaults) (
        target.members ++ (memberOf.${unit} or [ ])
      )
    );

  # The units that a unit of the configuration waits for directly, under any of its names.
  known =
    unit: node:
    node.after
    ++ lib.concatMap (name: before.${name} or [ ]) ([ unit ] ++ node.aliases)
    ++ membersOf unit node
    ++ lib.optional node.isOrdinary sysinit;

  # The units that any unit waits for directly. `unknown` is the answer for a unit about which nothing is known.
  predecessors =
    unknown: name:
    let
      unit = aliased.${name} or name;
    in
    if earlyUnits ? ${unit} then
      earlyUnits.${unit} ++ before.${unit} or [ ]
    else if nodes ? ${unit} then
      known unit nodes.${unit}
    else
      lib.optionals (unit != sysinit) (
        let
          early = earlyByName unit;
        in
        if early != null then early else unknown
      );

  # A unit and all units that it waits for, directly or not.
  chain =
    unknown: unit:
    map (step: step.key) (
      builtins.genericClosure {
        startSet = [ { key = unit; } ];
        operator = step: map (key: { inherit key; }) (predecessors unknown step.key);
      }
    );

  # The units that others have ordered before a unit. Our units that come before it are replaced by the units that they wait for.
  others =
    unknown: unit:
    let
      isOurs =
        name:
        lib.elem (aliased.${name} or name) [
          unit
          usersUnit
          keyUnit
        ];
    in
    lib.filter (name: !isOurs name) (
      map (step: step.key) (
        builtins.genericClosure {
          startSet = [ { key = unit; } ];
          operator =
            step: lib.optionals (isOurs step.key) (map (key: { inherit key; }) (predecessors unknown step.key));
        }
      )
    );

  waitingFor =
    unknown: goals: unit:
    lib.unique (
      lib.filter (ahead: lib.intersectLists goals (chain unknown ahead) != [ ]) (others unknown unit)
    );

  # What local-fs.target waits for. None of these file systems can wait for sysinit.target. So units about which nothing is known
  # are assumed to start before that target.
  localMounts = lib.filter (
    fs: fileSystems.isWaitedFor fs && !utils.fsNeededForBoot fs
  ) fileSystems.all;
in
{
  inherit keyMounts;

  # The local file systems for which local-fs.target waits and that wait for one of `goals`.
  localMountsWaitingFor =
    goals:
    lib.filter (
      fs: lib.intersectLists goals (chain [ ] "${utils.escapeSystemdPath fs.mountPoint}.mount") != [ ]
    ) localMounts;

  # The units that start before `unit` and wait for one of `goals`.
  waitingFor = waitingFor [ ];

  # The units of `waitingFor`, and units about which nothing is known.
  mayWaitFor = waitingFor [ sysinit ];

  # The units that somebody has ordered before `unit`, without those that are always before it.
  ahead =
    unit: lib.filter (name: !earlyUnits ? ${name} && earlyByName name == null) (predecessors [ ] unit);
}
