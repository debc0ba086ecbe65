# Carries out the remedies that the modules print. For each name, the result has the messages before the remedies, and the messages
# that are left after each remedy.
{
  lib ? import ./find-lib.nix,
}:

let
  pkgs = import ./stand-ins/pkgs.nix { inherit lib; };
  render = import ./render.nix { inherit lib; };
  messages =
    module:
    (import ./evaluate-nixos.nix { inherit lib pkgs render; } {
      imports = [ module ];
      users.users.alice.group = "users";
      systemd.services.nginx = { };
      sops.defaultSopsFile = ./files/secrets.yaml;
    }).messages;

  # `before` has a message with `words`, and none of `after` has one.
  mends = words: before: after: {
    said = lib.hasInfix words (messages before);
    left = lib.filter (text: text != "") (map messages after);
  };

  # A configuration with a key, and with settings of its only secret.
  secret = settings: {
    services.openssh.enable = true;
    sops.secrets."db/password" = settings;
  };
  # A configuration with a template for a unit, and its reader.
  variables = reader: {
    systemd.services.app.serviceConfig.EnvironmentFile = "/run/secrets/rendered/app.env";
    sops.templates."app.env" = {
      content = "A=1";
      as = reader;
    };
  };
  # A configuration with a key, an early secret, and other settings.
  early = settings: {
    imports = [ settings ];
    services.openssh.enable = true;
    sops.secrets.my-password.neededForUsers = true;
  };
  keyless = settings: {
    imports = [ settings ];
    sops.secrets."db/password" = { };
  };
  keyed = settings: {
    imports = [ settings ];
    services.openssh.enable = true;
    sops.secrets."db/password" = { };
  };
  template =
    passwordSettings:
    { config, ... }:
    {
      services.openssh.enable = true;
      sops.secrets."db/password" = passwordSettings;
      sops.templates.passwords = {
        neededForUsers = true;
        content = config.sops.placeholder."db/password";
      };
    };
  persistent = settings: {
    imports = [ settings ];
    sops.age.sshKeyPaths = [ ];
    sops.age.keyFile = "/persist/age.txt";
  };
  # A secret that only a key service opens, and a unit that the network waits for.
  late = settings: {
    services.openssh.enable = true;
    sops.keyServices.enable = true;
    sops.secrets.token = {
      sopsFile = lib.mkDefault ./files/vault.yaml;
    }
    // settings;
    systemd.services.wireguard = {
      wantedBy = [ "network-online.target" ];
      before = [ "network-online.target" ];
    };
  };
  # A unit that is early, in every phase or before the secrets of the regular one only.
  after = settings: {
    imports = [ settings ];
    sops.after = [ "unlock.service" ];
    systemd.services.unlock.unitConfig.DefaultDependencies = false;
  };
  onlyRegular = settings: {
    imports = [ settings ];
    systemd.services.unlock.unitConfig.DefaultDependencies = false;
    systemd.services.sops-nix = {
      after = [ "unlock.service" ];
      wants = [ "unlock.service" ];
    };
  };
in
{
  no-key = mends "There is no key to open the sops files with: set " (keyless { }) [
    (keyless { services.openssh.enable = true; })
    (keyless { sops.age.keyFile = "/var/lib/key.txt"; })
    (keyless { sops.age.keyCredential = "sops-age-key"; })
    (keyless { sops.age.sshKeyPaths = [ "/etc/ssh/key" ]; })
    (keyless { sops.gnupg.home = "/root/.gnupg"; })
    (keyless { sops.keyServices.enable = true; })
  ];
  early-secret-of-a-key-service =
    mends
      "but only a key service could open its sops file: encrypt the file to an age key of this host, too."
      (late {
        key = "token";
        neededForUsers = true;
      })
      [
        (late {
          key = "token";
          neededForUsers = true;
          sopsFile = ./files/secrets.yaml;
        })
      ];
  key-service-of-a-host-whose-secrets-wait-for-the-network =
    mends
      "remove it from sops.after, and name the units that need these secrets in sops.secrets.<name>.neededBy."
      {
        imports = [ (late { }) ];
        sops.after = [ "network-online.target" ];
      }
      [ (late { neededBy = [ "nginx.service" ]; }) ];
  key-service-for-what-the-network-waits-for =
    mends
      "so it cannot wait for key services: let an age key of this host open the sops file, name it in sops.hostRecipients, and remove"
      (late { neededBy = [ "wireguard.service" ]; })
      [
        (late {
          sopsFile = ./files/secrets.yaml;
          key = "db/password";
        })
      ];
  gnupg-home-and-ssh-keys =
    mends "cannot both be set: set sops.gnupg.sshKeyPaths to [ ], or sops.gnupg.home to null."
      (keyed { sops.gnupg.home = "/root/.gnupg"; })
      [
        (keyed {
          sops.gnupg.home = "/root/.gnupg";
          sops.gnupg.sshKeyPaths = [ ];
        })
        (keyed { sops.gnupg.home = null; })
      ];
  generated-key-without-a-file =
    mends "nothing says which file to make: set sops.age.keyFile."
      (keyed { sops.age.generateKey = true; })
      [
        (keyed {
          sops.age.generateKey = true;
          sops.age.keyFile = "/var/lib/key.txt";
        })
      ];
  file-of-variables-for-another-reader =
    mends "reads the file by EnvironmentFile=: set it to \"systemd-env\"." (variables "sh")
      [ (variables "systemd-env") ];
  owner-and-uid =
    mends "has an owner and a uid: leave uid at 0, or set owner to null."
      (secret {
        owner = "alice";
        uid = 1000;
      })
      [
        (secret { owner = "alice"; })
        (secret {
          owner = null;
          uid = 1000;
        })
      ];
  group-and-gid =
    mends "has a group and a gid: leave gid at 0, or set group to null."
      (secret {
        group = "users";
        gid = 100;
      })
      [
        (secret { group = "users"; })
        (secret {
          group = null;
          gid = 100;
        })
      ];
  no-owner =
    mends ".uid are both null"
      (secret {
        owner = null;
        uid = null;
      })
      [
        (secret { owner = "alice"; })
        (secret { uid = 1000; })
      ];
  no-group =
    mends ".gid are both null"
      (secret {
        group = null;
        gid = null;
      })
      [
        (secret { group = "users"; })
        (secret { gid = 100; })
      ];
  early-owner = mends "remove its owner, group, uid and gid." (secret {
    neededForUsers = true;
    owner = "alice";
  }) [ (secret { neededForUsers = true; }) ];
  early-template = mends "set sops.secrets.\"db/password\".neededForUsers to true." (template { }) [
    (template { neededForUsers = true; })
  ];
  immutable-sysusers =
    mends "set users.mutableUsers to true, or set services.userborn.enable to true."
      (early {
        systemd.sysusers.enable = true;
        users.mutableUsers = false;
      })
      [
        (early {
          systemd.sysusers.enable = true;
          users.mutableUsers = true;
        })
        (early {
          services.userborn.enable = true;
          users.mutableUsers = false;
        })
      ];
  credential-for-early-secrets =
    mends "a script installs those with neededForUsers: set services.userborn.enable to true."
      (early { sops.age.keyCredential = "sops-age-key"; })
      [
        (early {
          sops.age.keyCredential = "sops-age-key";
          services.userborn.enable = true;
        })
      ];
  scripts-are-dropped =
    mends "remove that line, or set it to true."
      (keyed {
        sops.useSystemdActivation = false;
      })
      [
        (keyed { })
        (keyed { sops.useSystemdActivation = true; })
      ];
  waiting-script =
    mends "turn each script named here into a unit with after = [ \"sops-nix.service\" ]."
      (keyed {
        system.activationScripts.samba.deps = [ "setupSecrets" ];
      })
      [ (keyed { systemd.services.samba.after = [ "sops-nix.service" ]; }) ];
  script-before-the-unit =
    mends "turn each script named here into a unit with after = [ \"sops-nix.service\" ]."
      (keyed {
        sops.useSystemdActivation = true;
        system.activationScripts.samba.deps = [ "setupSecrets" ];
      })
      [
        (keyed {
          sops.useSystemdActivation = true;
          systemd.services.samba.after = [ "sops-nix.service" ];
        })
      ];
  crypttab =
    mends "set sops.secrets.\"db/password\".neededForFileSystems to true, and change its path in"
      (keyed { environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets/db/password"; })
      [
        (keyed {
          sops.secrets."db/password".neededForFileSystems = true;
          environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets-for-file-systems/db/password";
        })
      ];
  crypttab-by-the-option =
    let
      crypttab =
        { config, ... }:
        {
          environment.etc.crypttab.text = "data /dev/sdb1 ${config.sops.secrets."db/password".path} luks";
        };
    in
    mends "set sops.secrets.\"db/password\".neededForFileSystems to true" (keyed crypttab) [
      (keyed {
        imports = [ crypttab ];
        sops.secrets."db/password".neededForFileSystems = true;
      })
    ];
  crypttab-with-a-secret-of-users =
    let
      disk = settings: {
        imports = [ settings ];
        services.userborn.enable = true;
      };
    in
    mends "neededForFileSystems to true instead of neededForUsers, and change its path in"
      (early (disk {
        environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets-for-users/my-password";
      }))
      [
        (keyed (disk {
          sops.secrets.my-password.neededForFileSystems = true;
          environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets-for-file-systems/my-password";
        }))
      ];
  crypttab-with-a-secret-of-nobody =
    mends
      "declare the secret with neededForFileSystems, and use its path in /run/secrets-for-file-systems"
      (keyed { environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets/wifi"; })
      [
        (keyed {
          sops.secrets.wifi.neededForFileSystems = true;
          environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets-for-file-systems/wifi";
        })
      ];
  local-file-system =
    mends "neededForFileSystems to true, and change its path in"
      (keyed {
        fileSystems."/data".options = [ "config=/run/secrets/db/password" ];
      })
      [
        (keyed {
          sops.secrets."db/password".neededForFileSystems = true;
          fileSystems."/data".options = [ "config=/run/secrets-for-file-systems/db/password" ];
        })
      ];
  mount-unit =
    let
      mount = secret: {
        systemd.mounts = [
          {
            where = "/data";
            options = "config=${secret}";
            wantedBy = [ "multi-user.target" ];
          }
        ];
      };
    in
    mends "neededForFileSystems to true, and change its path in"
      (keyed (mount "/run/secrets/db/password"))
      [
        (keyed {
          imports = [ (mount "/run/secrets-for-file-systems/db/password") ];
          sops.secrets."db/password".neededForFileSystems = true;
        })
      ];
  disk-of-the-initrd =
    mends "open or mount that disk after the initrd, with a secret that has neededForFileSystems."
      (keyed {
        boot.initrd.luks.devices.data.keyFile = "/run/secrets/db/password";
      })
      [
        (keyed {
          sops.secrets."db/password".neededForFileSystems = true;
          environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets-for-file-systems/db/password";
        })
      ];
  link-on-a-file-system-that-needs-it =
    let
      disk = path: {
        services.openssh.enable = true;
        fileSystems."/data" = { };
        sops.secrets."db/password" = {
          neededForFileSystems = true;
          inherit path;
        };
      };
    in
    mends "choose a path on another file system." (disk "/data/key") [ (disk "/etc/keys/data") ];
  key-on-a-file-system-that-needs-a-secret =
    mends "which is mounted only after the secrets with neededForFileSystems"
      (keyed (persistent {
        sops.secrets.my-password.neededForFileSystems = true;
        fileSystems."/persist" = { };
      }))
      [
        (keyed (persistent {
          sops.secrets.my-password.neededForFileSystems = true;
          fileSystems."/persist".neededForBoot = true;
        }))
      ];
  secret-for-users-and-file-systems =
    mends "set only one of the two, and if both are needed, declare it under two names."
      (keyed {
        sops.secrets.my-password = {
          neededForUsers = true;
          neededForFileSystems = true;
        };
      })
      [
        (keyed {
          sops.secrets.my-password.neededForUsers = true;
          sops.secrets.disk = {
            key = "my-password";
            neededForFileSystems = true;
          };
        })
      ];
  template-for-file-systems =
    let
      share =
        settings:
        { config, ... }:
        {
          services.openssh.enable = true;
          imports = [ settings ];
          sops.secrets."db/password".neededForUsers = true;
          sops.templates.share = {
            neededForFileSystems = true;
            content = lib.mkDefault config.sops.placeholder."db/password";
          };
        };
    in
    mends "again under another name with neededForFileSystems, and use that." (share { }) [
      (share (
        { config, ... }:
        {
          sops.secrets.share = {
            key = "db/password";
            neededForFileSystems = true;
          };
          sops.templates.share.content = config.sops.placeholder.share;
        }
      ))
    ];
  network-that-waits-for-a-file-system =
    let
      host =
        options:
        keyed {
          systemd.services.systemd-networkd.serviceConfig.LoadCredential = "key:/run/secrets/db/password";
          systemd.services.systemd-networkd.unitConfig.DefaultDependencies = false;
          fileSystems."/data".options = [ "x-systemd.requires=network-online.target" ] ++ options;
        };
    in
    mends "add _netdev to fileSystems.\"/data\".options." (host [ ]) [ (host [ "_netdev" ]) ];
  remote-file-system-that-a-local-one-is-part-of =
    let
      host =
        options:
        keyed {
          fileSystems."/nas" = {
            fsType = "cifs";
            options = [ "credentials=/run/secrets/db/password" ];
          };
          fileSystems."/export" = {
            device = "/nas/e";
            options = [ "bind" ] ++ options;
          };
        };
    in
    mends "add _netdev to fileSystems.\"/export\".options." (host [ ]) [ (host [ "_netdev" ]) ];
  local-file-system-that-waits-for-the-unit =
    let
      host =
        options:
        keyed {
          fileSystems."/data" = {
            fsType = "rclone";
            options = [ "x-systemd.requires=sops-nix.service" ] ++ options;
          };
        };
    in
    mends "add nofail to fileSystems.\"/data\".options" (host [ "config=/run/secrets/db/password" ]) [
      (host [ "config=/run/secrets/db/password,nofail" ])
      (keyed {
        sops.secrets."db/password".neededForFileSystems = true;
        fileSystems."/data".options = [ "config=/run/secrets-for-file-systems/db/password" ];
      })
    ];
  crypttab-that-is-a-secret =
    mends "write the lines of crypttab in environment.etc.crypttab.text"
      (keyed {
        environment.etc.crypttab.source = "/run/secrets/db/password";
      })
      [
        (keyed {
          sops.secrets."db/password".neededForFileSystems = true;
          environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets-for-file-systems/db/password";
        })
      ];
  script-without-deps =
    mends "add setupSecretsForUsers to its deps."
      (early {
        system.activationScripts.mail = "cat /run/secrets-for-users/my-password";
      })
      [
        (early {
          system.activationScripts.mail = {
            deps = [ "setupSecretsForUsers" ];
            text = "cat /run/secrets-for-users/my-password";
          };
        })
      ];
  text-of-the-script = mends "remove that text." (keyed {
    system.activationScripts.setupSecrets.text = lib.mkForce "";
  }) [ (keyed { }) ];
  settings-of-an-early-unit-that-installs-nothing =
    mends "remove it, or set services.userborn.enable to true."
      (early { systemd.services.sops-nix-for-users.environment.FOO = "bar"; })
      [
        (early {
          services.userborn.enable = true;
          systemd.services.sops-nix-for-users.environment.FOO = "bar";
        })
        (early { })
      ];
  nixos-init =
    mends "runs no activation scripts: set sops.useSystemdActivation to true."
      (keyed {
        system.nixos-init.enable = true;
        sops.useSystemdActivation = false;
      })
      [
        (keyed {
          system.nixos-init.enable = true;
          sops.useSystemdActivation = true;
        })
      ];
  credential-for-a-script =
    mends "but here a script installs them: set sops.useSystemdActivation to true."
      (keyed {
        sops.age.keyCredential = "sops-age-key";
        sops.useSystemdActivation = false;
      })
      [
        (keyed {
          sops.age.keyCredential = "sops-age-key";
          sops.useSystemdActivation = true;
        })
      ];
  late-users =
    mends "do not exist yet when the script runs: set sops.useSystemdActivation to true."
      (keyed {
        services.userborn.enable = true;
        sops.useSystemdActivation = false;
      })
      [
        (keyed {
          services.userborn.enable = true;
          sops.useSystemdActivation = true;
        })
      ];
  unknown-unit = mends "correct the name." (secret { restartUnits = [ "ngnix.service" ]; }) [
    (secret { restartUnits = [ "nginx.service" ]; })
  ];
  one-path =
    mends "set another path for all but one."
      (keyed { sops.secrets.wifi.path = "/run/secrets/db/password"; })
      [
        (keyed { sops.secrets.wifi.path = "/run/secrets/wifi"; })
      ];
  one-file =
    mends "set another name for all but one." (keyed { sops.secrets.wifi.name = "db/password"; })
      [
        (keyed { sops.secrets.wifi.name = "wifi"; })
        (keyed {
          sops.secrets.wifi = {
            name = "db/password";
            neededForUsers = true;
          };
        })
      ];
  env-file-with-a-missing-secret =
    mends "which is not in sops.secrets: declare it, or correct the name."
      (keyed { sops.envFiles.app.DB = "db/pasword"; })
      [
        (keyed { sops.envFiles.app.DB = "db/password"; })
        (keyed {
          sops.envFiles.app.DB = "db/pasword";
          sops.secrets."db/pasword" = { };
        })
      ];
  env-file-with-an-odd-name = mends "write a name such as DB_PASSWORD." (keyed {
    sops.envFiles.app.db-password = "db/password";
  }) [ (keyed { sops.envFiles.app.DB_PASSWORD = "db/password"; }) ];
  form-of-bytes =
    mends "set format to that of the file, or use the secret in a template that has as."
      (secret {
        as = "sh";
        format = "binary";
      })
      [
        (secret { as = "json"; })
        (secret { format = "binary"; })
      ];
  directory-of-nothing =
    mends "is no directory of a secret or template: write the beginning of their names"
      {
        imports = [ (keyed { }) ];
        sops.directories.scripts.mode = "0755";
      }
      [
        {
          imports = [ (keyed { }) ];
          sops.directories.db.mode = "0755";
        }
      ];
  directory-that-others-can-write-in =
    mends "set a mode such as \"0700\", \"0750\" or \"0755\"."
      {
        imports = [ (keyed { }) ];
        sops.directories.db.mode = "0770";
      }
      [
        {
          imports = [ (keyed { }) ];
          sops.directories.db.mode = "0755";
        }
      ];
  directory-with-an-owner =
    mends "remove it, and to let others in, set sops.directories.db.group and sops.directories.db.mode."
      {
        imports = [ (keyed { }) ];
        sops.directories.db = {
          mode = "0750";
          owner = "alice";
        };
      }
      [
        {
          imports = [ (keyed { }) ];
          sops.directories.db = {
            mode = "0750";
            group = "users";
          };
        }
      ];
  directory-with-a-group-too-early =
    mends "remove sops.directories.db.group, or give sops.secrets.\"db/password\" another name."
      {
        imports = [ (secret { neededForUsers = true; }) ];
        sops.directories.db = {
          mode = "0750";
          group = "users";
        };
      }
      [
        {
          imports = [ (secret { neededForUsers = true; }) ];
          sops.directories.db.mode = "0755";
        }
        {
          imports = [ (secret { }) ];
          sops.directories.db = {
            mode = "0750";
            group = "users";
          };
        }
      ];
  transform-of-a-form =
    mends "set sops.secrets.\"db/password\".as to \"value\" or to null."
      (secret {
        transform = "yescrypt";
        as = "json";
      })
      [
        (secret {
          transform = "yescrypt";
          as = "value";
        })
        (secret { transform = "yescrypt"; })
      ];
  transform-of-a-whole-file =
    mends "set sops.secrets.\"db/password\".key, and in a file that is neither YAML nor JSON also"
      (secret {
        transform = "yescrypt";
        key = "";
      })
      [ (secret { transform = "yescrypt"; }) ];
  transform-of-a-whole-file-of-variables =
    mends "also sops.secrets.\"db/password\".as = \"value\"."
      (secret {
        transform = "yescrypt";
        format = "dotenv";
        sopsFile = ./files/app.env;
      })
      [
        (secret {
          transform = "yescrypt";
          format = "dotenv";
          sopsFile = ./files/app.env;
          as = "value";
          key = "API_TOKEN";
        })
      ];
  sops-file-outside-the-store =
    mends "write the path without quotes, or set sops.validateSopsFiles to false."
      (secret { sopsFile = "/var/lib/secrets.yaml"; })
      [
        (secret { sopsFile = ./files/secrets.yaml; })
        {
          imports = [ (secret { sopsFile = "/var/lib/secrets.yaml"; }) ];
          sops.validateSopsFiles = false;
        }
      ];
  key-on-a-late-file-system =
    mends ".neededForBoot to true, or set sops.useSystemdActivation to true."
      (keyed (persistent {
        fileSystems."/persist" = { };
        system.nixos.release = "25.11";
      }))
      [
        (keyed (persistent {
          fileSystems."/persist".neededForBoot = true;
          system.nixos.release = "25.11";
        }))
        (keyed (persistent {
          fileSystems."/persist" = { };
          system.nixos.release = "25.11";
          sops.useSystemdActivation = true;
        }))
      ];
  key-on-a-late-file-system-for-a-script =
    mends
      "which is mounted only after the activation script needs the key: set fileSystems.\"/persist\".neededForBoot to true."
      (early (persistent {
        fileSystems."/persist" = { };
      }))
      [
        (early (persistent {
          fileSystems."/persist".neededForBoot = true;
        }))
      ];
  key-on-a-late-file-system-for-early-secrets =
    mends ".neededForBoot to true."
      (early (persistent {
        fileSystems."/persist" = { };
        services.userborn.enable = true;
      }))
      [
        (early (persistent {
          fileSystems."/persist".neededForBoot = true;
          services.userborn.enable = true;
        }))
      ];
  local-file-system-before-early-secrets =
    mends
      "declare it in fileSystems with neededForBoot = true, or do not order it before sops-nix-for-users.service."
      (early {
        fileSystems."/" = { };
        systemd.mounts = [ { where = "/persist"; } ];
        services.userborn.enable = true;
        systemd.services.sops-nix-for-users.unitConfig.RequiresMountsFor = "/persist/keys";
      })
      [
        (early {
          fileSystems."/" = { };
          fileSystems."/persist".neededForBoot = true;
          services.userborn.enable = true;
          systemd.services.sops-nix-for-users.unitConfig.RequiresMountsFor = "/persist/keys";
        })
        (early {
          fileSystems."/" = { };
          systemd.mounts = [ { where = "/persist"; } ];
          services.userborn.enable = true;
        })
      ];

  credential-of-a-misspelled-unit =
    mends "systemd.services has no ngnix: correct the name."
      (keyed {
        sops.credentials.ngnix.password = "db/password";
      })
      [
        (keyed { sops.credentials.nginx.password = "db/password"; })
        (keyed {
          sops.credentials.ngnix.password = "db/password";
          systemd.services.ngnix = { };
        })
      ];
  credential-of-a-template =
    mends "name an instance, such as getty@name."
      (keyed {
        sops.credentials."getty@".password = "db/password";
      })
      [
        (keyed {
          sops.credentials."getty@name".password = "db/password";
          systemd.services."getty@" = { };
        })
      ];
  credential-of-a-service-that-comes-too-early =
    let
      early = {
        before = [ "local-fs.target" ];
        unitConfig.DefaultDependencies = false;
      };
    in
    mends "remove that order, or set sops.secrets.\"db/password\".neededForFileSystems to true."
      (keyed {
        sops.credentials.early.password = "db/password";
        systemd.services.early = early;
      })
      [
        (keyed {
          sops.credentials.early.password = "db/password";
          systemd.services.early = { };
        })
        (keyed {
          sops.credentials.early.password = "db/password";
          sops.secrets."db/password".neededForFileSystems = true;
          systemd.services.early = early;
        })
      ];
  units-before-scripts =
    let
      host = byUnit: {
        sops.useSystemdActivation = byUnit;
        sops.after = [ "unlock.service" ];
        systemd.services.unlock.unitConfig.DefaultDependencies = false;
      };
    in
    mends "before any unit starts: set sops.useSystemdActivation to true." (keyed (host false)) [
      (keyed (host true))
    ];
  units-before-a-script-for-users =
    mends "before any unit starts: set services.userborn.enable to true." (early (after { }))
      [
        (early (after {
          services.userborn.enable = true;
        }))
        (early (onlyRegular { }))
      ];
  units-that-come-too-late =
    let
      host = waitsFor: {
        services.userborn.enable = true;
        systemd.services.unlock.after = waitsFor;
      };
      late = host [ "systemd-udevd.service" ];
    in
    mends
      "set its unitConfig.DefaultDependencies to false and order it after no unit that starts later, or if only"
      (early (after late))
      [
        (early (after (host [ ])))
        (early (onlyRegular late))
      ];
  units-that-come-too-early =
    let
      host = waiting: named: {
        sops.before = named;
        systemd.services.unlock = {
          unitConfig.DefaultDependencies = false;
          before = waiting;
        };
      };
    in
    mends
      "starts before sops-nix.service: remove that order, or remove unlock.service from sops.before."
      (keyed (host [ "sops-nix.service" ] [ "unlock.service" ]))
      [
        (keyed (host [ ] [ "unlock.service" ]))
        (keyed (host [ "sops-nix.service" ] [ ]))
      ];
  disks-that-come-too-early =
    let
      host = settings: {
        imports = [ settings ];
        fileSystems."/data".device = "/dev/mapper/data";
      };
      disk = "systemd-cryptsetup@data.service";
    in
    mends "needs, and remove ${disk} from sops.before."
      (keyed (host {
        sops.before = [ disk ];
      }))
      [
        (keyed (host {
          sops.secrets."db/password".neededForFileSystems = true;
        }))
      ];
  units-that-wait-for-the-secrets =
    let
      host = waiting: named: {
        sops.after = named;
        systemd.services.unlock = {
          unitConfig.DefaultDependencies = false;
          after = waiting;
        };
      };
    in
    mends "remove that order, or remove unlock.service from sops.after."
      (keyed (host [ "sops-nix.service" ] [ "unlock.service" ]))
      [
        (keyed (host [ ] [ "unlock.service" ]))
        (keyed (host [ "sops-nix.service" ] [ ]))
      ];
  our-own-units-around-the-secrets =
    mends "is a unit of this module, whose order is fixed: remove sops-nix.service from sops.before."
      (keyed { sops.before = [ "sops-nix.service" ]; })
      [ (keyed { }) ];
  misspelled-units-around-the-secrets = mends "nothing is ordered after it: correct the name." (keyed
    (after {
      sops.after = [ "unlok.service" ];
    })
  ) [ (keyed (after { })) ];
  key-made-before-the-commands =
    let
      host = makes: {
        sops.age.keyFile = "/keys/age.txt";
        sops.age.generateKey = makes;
        sops.preInstall = "mount LABEL=keys /keys";
      };
    in
    mends "set sops.age.generateKey to false, and let sops.preInstall make the key." (keyed (
      host true
    )) [ (keyed (host false)) ];
  first-boot-of-a-host-that-has-a-key =
    mends "may mean that it has one: set sops.noKeyAtFirstBoot to false."
      (keyed {
        sops.noKeyAtFirstBoot = true;
        sops.preInstall = "mount LABEL=keys /keys";
        systemd.services.sops-nix.environment.SOPS_AGE_KEY_FILE = "/keys/age.txt";
      })
      [
        (keyed {
          sops.noKeyAtFirstBoot = false;
          sops.preInstall = "mount LABEL=keys /keys";
          systemd.services.sops-nix.environment.SOPS_AGE_KEY_FILE = "/keys/age.txt";
        })
      ];
  late-key-that-nothing-names =
    mends "but nothing says which file may come late: set sops.age.keyFile."
      (keyed {
        sops.age.keyFileMayComeLate = true;
      })
      [
        (keyed {
          sops.age.keyFileMayComeLate = true;
          sops.age.keyFile = "/persist/age.txt";
        })
      ];
  late-key-that-is-made =
    let
      host = mayComeLate: {
        sops.age.keyFile = "/persist/age.txt";
        sops.age.generateKey = true;
        sops.age.keyFileMayComeLate = mayComeLate;
      };
    in
    mends "so it does not come late: set sops.age.keyFileMayComeLate to false." (keyed (host true)) [
      (keyed (host false))
    ];
  first-boot-by-script =
    mends "but here a script installs them: set sops.useSystemdActivation to true."
      (keyed {
        system.nixos.release = "25.11";
        sops.noKeyAtFirstBoot = true;
      })
      [
        (keyed {
          system.nixos.release = "25.11";
          sops.noKeyAtFirstBoot = true;
          sops.useSystemdActivation = true;
        })
      ];
  credential-of-a-secret-with-an-owner-that-comes-too-early =
    let
      host = secrets: name: {
        services.openssh.enable = true;
        sops = { inherit secrets; };
        sops.credentials.early.password = name;
        systemd.services.early = {
          before = [ "local-fs.target" ];
          unitConfig.DefaultDependencies = false;
        };
      };
      ofAlice."db/password".owner = "alice";
    in
    mends
      "or declare sops.secrets.\"db/password\" again under another name with neededForFileSystems, and use that."
      (host ofAlice "db/password")
      [
        (host (
          ofAlice
          // {
            early-password = {
              key = "db/password";
              neededForFileSystems = true;
            };
          }
        ) "early-password")
      ];
  local-file-system-that-waits-for-the-unit-by-a-service =
    let
      host = before: {
        fileSystems."/data" = { };
        systemd.services.early = {
          inherit before;
          after = [ "sops-nix.service" ];
          unitConfig.DefaultDependencies = false;
        };
      };
    in
    mends "leaving a unit out of the boot: remove that order." (keyed (host [ "data.mount" ])) [
      (keyed (host [ ]))
    ];
  credential-with-a-slash = mends "use letters, digits" (keyed {
    sops.credentials.nginx."db/password" = "db/password";
  }) [ (keyed { sops.credentials.nginx.db-password = "db/password"; }) ];
  credential-of-a-misspelled-secret =
    mends "or declare sops.secrets.\"db/pasword\"."
      (keyed {
        sops.credentials.nginx.password = "db/pasword";
      })
      [
        (keyed { sops.credentials.nginx.password = "db/password"; })
        (keyed {
          sops.credentials.nginx.password = "db/pasword";
          sops.secrets."db/pasword".key = "db/password";
        })
      ];

  host-recipients-that-are-comments =
    mends "add one, as sops-nix keys --nix prints it on the host"
      (keyed { sops.hostRecipients = [ "# none yet" ]; })
      [
        (keyed {
          sops.hostRecipients = [ "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u" ];
        })
      ];

  host-recipient-that-is-private =
    mends "write public keys only" (keyed { sops.hostRecipients = [ "AGE-SECRET-KEY-1QQQQ" ]; })
      [
        (keyed {
          sops.hostRecipients = [ "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u" ];
        })
      ];
}
