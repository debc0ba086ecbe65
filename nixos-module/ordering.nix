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
  sysinit = "sysinit.target";
  keyUnit = "sops-nix-generate-age-key.service";
  firstBootUnit = (import ./no-key-yet.nix).unit;
  usersUnit = "sops-nix-for-users.service";
  fileSystemsUnit = "sops-nix-for-file-systems.service";

  inherit (import ./early-units.nix { inherit config lib; }) earlyUnits earlyByName milestones;
  inherit
    (import ./unit-nodes.nix {
      inherit
        config
        lib
        options
        utils
        ;
    })
    keyMounts
    mountOf
    nodes
    ;

  inherit (import ./unit-templates.nix { inherit lib; }) isInstance templateUnit;

  # For each unit, the units that name it in a field, by any of its names.
  naming =
    field: nameOf:
    lib.mapAttrs (_: map (pair: pair.by)) (
      lib.groupBy (pair: nameOf pair.unit) (
        lib.concatLists (
          lib.mapAttrsToList (by: node: map (unit: { inherit by unit; }) node.${field}) nodes
        )
      )
    );
  aliased = lib.mapAttrs (_: lib.head) (naming "aliases" lib.id);
  nameOf = name: aliased.${name} or name;
  before = naming "before" nameOf;
  memberOf = naming "memberOf" nameOf;

  # A target waits for its members, if both have default dependencies.
  membersOf =
    unit: target:
    lib.optionals (target.isTarget && target.hasDefaults) (
      lib.filter (member: (nodes.${member} or { hasDefaults = true; }).hasDefaults) (
        target.members ++ (memberOf.${unit} or [ ])
      )
    );

  # What a unit of the configuration waits for by its own settings, and by default.
  waitsFor =
    unit: node:
    node.after
    ++ membersOf unit node
    ++ lib.optional node.isOrdinary sysinit
    ++ lib.optional (node.isOrdinary && node.isService) "basic.target";

  # The units that any unit waits for directly. `unknown` is the answer for a unit about which nothing is known.
  predecessors = unknown: unit: own unknown unit ++ before.${unit} or [ ];
  own =
    unknown: unit:
    let
      early = earlyByName unit;
    in
    if milestones ? ${unit} then
      milestones.${unit}
    else if earlyUnits ? ${unit} then
      earlyUnits.${unit} ++ lib.optionals (unit == "local-fs.target" && unknown == [ ]) localMountUnits
    else if nodes ? ${unit} then
      waitsFor unit nodes.${unit}
    else if isInstance unit && nodes ? ${templateUnit unit} then
      waitsFor unit nodes.${templateUnit unit}
    else if early != null then
      early
    else
      unknown;

  # The steps of a search: each is a unit by its own name.
  steps = map (name: {
    key = nameOf name;
  });
  # Every unit that a search finds. `next` are the units that follow a unit.
  search =
    next: unit:
    map (step: step.key) (
      builtins.genericClosure {
        startSet = steps [ unit ];
        operator = step: steps (next step.key);
      }
    );

  # Whether a unit is one of `goals`, or waits for one of them, directly or not.
  reaches =
    unknown: goals: unit:
    lib.intersectLists (map nameOf goals) (search (predecessors unknown) unit) != [ ];

  # The units that others have ordered before a unit. Our units that come before it are replaced by the units that they wait for.
  others =
    unknown: unit:
    let
      isOurs =
        name:
        lib.elem name [
          unit
          usersUnit
          fileSystemsUnit
          keyUnit
          firstBootUnit
        ];
    in
    lib.filter (name: !isOurs name) (
      search (name: lib.optionals (isOurs name) (predecessors unknown name)) unit
    );

  waitingFor =
    unknown: goals: unit:
    lib.filter (reaches unknown goals) (others unknown unit);

  # What local-fs.target waits for. None of these file systems can wait for sysinit.target. So where units about which nothing is known are assumed to wait
  # for that target, the file systems are left out.
  localMounts = lib.filter (
    fs: fileSystems.isWaitedFor fs && !utils.fsNeededForBoot fs
  ) fileSystems.all;
  localMountUnits = map mountOf localMounts;

  # The units that bring up the network, and those that wait until it is up.
  network = [
    "network-online.target"
    "network.target"
    "systemd-networkd-wait-online.service"
    "systemd-networkd.service"
  ];
in
{
  inherit
    keyMounts
    mountOf
    nameOf
    network
    ;

  # Whether a unit is in the configuration, or is one of systemd that starts early or brings up the network.
  isKnown =
    unit:
    own null (nameOf unit) != null
    || lib.elem unit (
      network
      ++ [
        "network-pre.target"
        "remote-fs-pre.target"
        "remote-fs.target"
      ]
    );

  # Whether a unit waits for one of `goals`, or is one of them.
  reaches = reaches [ ];

  # The local file systems for which local-fs.target waits and that wait for one of `goals`.
  localMountsWaitingFor = goals: lib.filter (fs: reaches [ ] goals (mountOf fs)) localMounts;

  # The unit by whose order a file system waits for one of `goals`, or null if the file system waits by its own settings.
  orderedBefore =
    goals: fs:
    if lib.any (reaches [ ] goals) (own [ ] (mountOf fs)) then
      null
    else
      lib.findFirst (reaches [ ] goals) null (before.${mountOf fs} or [ ]);

  # Which of the units that `unit` waits for, or `unit` itself, waits for `goal` directly.
  waiterFor =
    goal: unit:
    lib.findFirst (name: lib.elem goal (map nameOf (predecessors [ ] name))) unit (
      search (predecessors [ ]) unit
    );

  # The units that start before `unit` and wait for one of `goals`.
  waitingFor = waitingFor [ ];

  # The units of `waitingFor`, and units about which nothing is known.
  mayWaitFor = waitingFor [ sysinit ];

  # Every unit that `unit` waits for directly, as far as the configuration says.
  allAhead = predecessors [ ];

  # The units that somebody has ordered before `unit`, without those that are always before it.
  ahead =
    unit: lib.filter (name: !earlyUnits ? ${name} && earlyByName name == null) (predecessors [ ] unit);
}
