# The parts of NixOS that the tests of sops-nix set or use, beyond the stand-ins of tests/nix. Each part does only what the tests
# need. README.md lists the parts.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) types mkOption;
  option = type: default: mkOption { inherit type default; };
  inherit (config.users) users groups;

  # The user root exists already, so it is not made.
  others = lib.filterAttrs (name: _: name != "root") users;
  idOf = entry: field: entry.${field} or null;
  number =
    flag: entry: field:
    lib.optionalString (idOf entry field != null) "${flag} ${toString (idOf entry field)} ";

  makeGroup = name: group: ''
    getent group ${name} > /dev/null || groupadd ${number "-g" group "gid"}${name}
  '';
  makeUser = name: user: ''
    getent passwd ${name} > /dev/null || useradd ${number "-u" user "uid"}-g ${user.group} -d ${user.home} -M ${name}
    ${lib.optionalString (user.hashedPasswordFile != null) ''
      echo "${name}:$(cat ${user.hashedPasswordFile})" | chpasswd --encrypted
    ''}'';
  makeUsers = lib.concatStrings (
    lib.mapAttrsToList makeGroup groups ++ lib.mapAttrsToList makeUser others
  );

  sysusers = config.systemd.sysusers.enable;
  userborn = config.services.userborn.enable;

  passwords = lib.filterAttrs (_: user: user.hashedPasswordFile != null) others;
  sysusersLines = lib.mapAttrsToList (
    name: user: "u ${name} ${toString (if user.uid == null then "-" else user.uid)}:${user.group}\n"
  ) others;
in
{
  options = {
    boot.initrd.postDeviceCommands = option types.lines "";
    boot.initrd.systemd.enable = option types.bool false;
    boot.kernelPackages = option types.unspecified null;
    system.switch.enable = option types.bool true;
    system.etc.overlay.enable = option types.bool false;
    specialisation = option (types.attrsOf (
      types.submodule { options.configuration = mkOption { type = types.deferredModule; }; }
    )) { };
    users.users = mkOption {
      type = types.attrsOf (
        types.submodule (
          { config, ... }: { config.group = lib.mkIf config.isNormalUser (lib.mkDefault "users"); }
        )
      );
    };
    # Files of the host, by their paths below its root.
    standIn.files = option (types.attrsOf types.lines) { };
  };

  config = {
    system.activationScripts = {
      specialfs.text = lib.mkForce "";
      etc = "";
      users.text = lib.mkForce (lib.optionalString (!sysusers && !userborn) makeUsers);
      groups.deps = [ "users" ];
    };

    # The real systemd-sysusers, with the configuration that NixOS gives it.
    standIn.files = lib.mkIf sysusers {
      "etc/sysusers.d/00-nixos.conf" = lib.concatStrings sysusersLines;
      "etc/systemd/system/systemd-sysusers.service.d/nixos.conf" = ''
        [Unit]
        ConditionNeedsUpdate=
        [Service]
        ${lib.concatLines (
          lib.mapAttrsToList (
            name: user: "LoadCredential=passwd.hashed-password.${name}:${user.hashedPasswordFile}"
          ) passwords
        )}'';
    };

    # At the place of userborn in NixOS, this unit does what the script above does, with the ordering of userborn's unit.
    systemd.services.userborn = lib.mkIf userborn {
      aliases = [ "systemd-sysusers.service" ];
      wantedBy = [ "sysinit.target" ];
      requiredBy = [ "sysinit-reactivation.target" ];
      after = [
        "systemd-remount-fs.service"
        "systemd-tmpfiles-setup-dev-early.service"
      ];
      before = [
        "systemd-tmpfiles-setup-dev.service"
        "sysinit.target"
        "shutdown.target"
        "sysinit-reactivation.target"
      ];
      conflicts = [ "shutdown.target" ];
      stopIfChanged = false;
      unitConfig.DefaultDependencies = false;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${pkgs.writeShellScript "userborn" makeUsers}";
      };
    };
  };
}
