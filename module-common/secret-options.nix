# The options of secrets and templates that both modules have.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.sops;
  types = lib.types // import ./types.nix { inherit lib; };
  templateText = import ./template-text.nix { inherit lib pkgs; };
  filtersOf = import ./filters.nix { inherit lib; };

  # How a secret or template gets to its path.
  installation = what: {
    install = lib.mkOption {
      type = types.enum [
        "link"
        "copy"
      ];
      default = "link";
      example = "copy";
      description = ''
        What is at `path`, if that is set to another path than the default:

        - `"link"`: a symlink to the ${what}, which stays in memory.
        - `"copy"`: a file with the same content, owner and mode, for programs that refuse symlinks. Each run makes it as the ${what} is, in one step and
          before units are restarted. It is overwritten with zeros and removed when the ${what} goes. What somebody else has written there is moved
          aside to `PATH.sops-backup`. So is a copy that a program has changed, and it stays there, with what it has of the secret.

        See [state.md](state.md#copies). A copy works only on Linux.
      '';
    };

    copyToDisk = lib.mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether a copy may lie on a file system that is not in memory. Then its plaintext is on a disk or on a server, outlives restarts, and may be in
        backups and snapshots. If this is off, such a copy is refused.
      '';
    };
  };

  secret =
    { config, name, ... }:
    {
      options = installation "secret" // {
        name = lib.mkOption {
          type = types.str;
          default = name;
          defaultText = lib.literalMD "the attribute name";
          description = ''
            Name of the secret's file, below the directory of the secrets. A `/` in it makes directories.
          '';
        };

        key = lib.mkOption {
          type = types.str;
          default =
            if config.as != null && config.format != "yaml" && config.format != "json" then
              ""
            else if cfg.defaultSopsKey != null then
              cfg.defaultSopsKey
            else
              name;
          defaultText = lib.literalMD "`sops.defaultSopsKey` if that is set, else the attribute name; with `as` in a file that is neither YAML nor JSON: the whole file, `\"\"`";
          example = "postgres/password";
          description = ''
            Where the secret stands in the sops file. `a/b/c` walks nested maps, and `hosts/0` leads to the first element of a list. For names
            with slashes, write it as for `sops decrypt --extract`: `["a/b"]["c"][0]`. A position in front names the document of a YAML file:
            `[1]["c"]` is in the second one. `""` means the whole file. If the key leads to more than a single value, say in which form that is
            written, by `as`.

            A dotenv or INI file is the whole secret, and its key means nothing, unless `as` is set: for one value of it, set `as` to `"value"`, and
            the key to `NAME` or `SECTION/name`. A binary file is always the whole secret.
          '';
        };

        format = lib.mkOption {
          type = types.format;
          default = cfg.defaultSopsFormat;
          defaultText = lib.literalExpression "config.sops.defaultSopsFormat";
          description = ''
            Format of the sops file. A `binary` file is installed as it was before it was encrypted.
          '';
        };

        as = lib.mkOption {
          type = types.nullOr types.partForm;
          default = null;
          example = "systemd-env";
          description = ''
            The form in which whatever is at `key` is written: a map, a list, a section, a document or the whole file.

            - `"value"`: a single value by itself, as it is without `as` in a YAML or JSON file;
            - `"json"`, `"yaml"`: as `sops decrypt --extract` prints it;
            - `"lines"`: a line for each element of a list; for null an empty file;
            - a map as a file of environment variables, so that its reader gives back each value as it was encrypted: `"systemd-env"` for
              `EnvironmentFile=` of systemd, `"docker-env"` for `docker run --env-file` and `podman run --env-file`, `"dotenv"` for `node --env-file`, the npm package
              `dotenv` and python-dotenv, `"sh"` for a shell that sources the file.

            What the form cannot hold is an error that names it: see [manifest.md](manifest.md#the-form-of-a-part) and
            [readers.md](readers.md#files-of-environment-variables). With `null` a whole file is as sops prints it, and a key has to lead to a
            single value. If a unit reads a dotenv file by `EnvironmentFile=`, you are told what systemd would change.
          '';
        };

        mockValue = lib.mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "$y$j9T$…";
          description = ''
            What the secret is if `sops.mock` is on, such as the hash of a password that opens a virtual machine. It is in the Nix store, where everybody can
            read it. With an `as` for environment variables, it is the text of a dotenv file; with any other, it is written as it is. A `transform`
            takes it for the value in the sops file: with `"yescrypt"`, it is the password. Without it, the password is `MOCK-` and the name.
          '';
        };

        mode = lib.mkOption {
          type = types.str;
          default = "0400";
          description = "Permissions of the secret's file, in octal.";
        };

        sopsFile = lib.mkOption {
          type = types.path;
          default = cfg.defaultSopsFile;
          defaultText = lib.literalExpression "config.sops.defaultSopsFile";
          description = "The encrypted file with the secret.";
        };

        onFailure = lib.mkOption {
          type = types.enum [
            "abort"
            "skip"
            "keep"
          ];
          default = "abort";
          example = "keep";
          description = ''
            What happens if this secret cannot be decrypted while secrets are installed:

            - `"abort"`: nothing is changed, and no other secret either.
            - `"skip"`: the others are installed, and this one is not there any more.
            - `"keep"`: the others are installed, and this one keeps the value that it has.

            In each case the installation ends with an error. If all secrets of a file fail, the strictest of them decides. A template that needs a
            secret which is not there is not there either. At boot, everything that can be decrypted is installed, whatever this option says.
          '';
        };

        transform = lib.mkOption {
          type = types.nullOr types.transform;
          default = null;
          example = "yescrypt";
          description = ''
            What the value in the sops file becomes before it is installed:

            - `"base64-decode"`: the bytes that it spells in Base64;
            - `"yescrypt"`, `"sha512-crypt"`: its hash as a password, for `users.users.<name>.hashedPasswordFile`, as `mkpasswd` makes it;
            - `"htpasswd:USER"`: a line of a password file for web servers, for that user, with a hash by bcrypt, as `htpasswd -B` writes it.

            So the sops file has the password itself, and whatever reads the secret gets only its hash. The host can still read the password: it has
            the key of the file. The hash stays the same as long as the password and the data key of the file do: see
            [manifest.md](manifest.md#the-transform-of-a-secret). A transform takes a single value, which is a string: with a YAML or JSON file that
            needs a `key`, and with a dotenv or INI file also `as = "value"`. Templates get what it becomes.
          '';
        };

        trim = lib.mkOption {
          type = types.nullOr (types.enum [ "newline" ]);
          default = null;
          example = "newline";
          description = ''
            What is taken off the end of the secret: `"newline"` takes all line ends. Editors and `echo` write one, and some programs take it for a part of
            the password. It is for text: the last byte of a binary file may be a line feed by chance. With `transform`, it is taken off what the
            secret has become.
          '';
        };

        optional = lib.mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether the sops file, or the key in it, may be missing. Then the secret is not installed, one line in the log says so, and this is no
            error. A secret that was there and is missing now is removed. A template that uses a missing secret is not installed either: it
            never gets an empty value. A file that is there and cannot be opened, or is damaged, is an error all the same.
          '';
        };
      };
    };

  template =
    { config, name, ... }:
    {
      options = installation "rendered file" // {
        name = lib.mkOption {
          type = types.singleLineStr;
          default = name;
          defaultText = lib.literalMD "the attribute name";
          description = "Name of the rendered file, below the directory of the rendered templates. A `/` in it makes directories.";
        };

        content = lib.mkOption {
          type = types.lines;
          default = "";
          example = lib.literalExpression ''
            '''
              password = "''${config.sops.placeholder."db/password"}"
            '''
          '';
          description = ''
            Text of the template. When the secrets are installed, each `config.sops.placeholder.<secret>` in it is replaced by that secret, and each
            `config.sops.filtered.<secret>.<filter>` by what the filter writes. The Nix store only has the placeholder.
          '';
        };

        file = lib.mkOption {
          type = types.path;
          default = templateText.storeFile config;
          defaultText = lib.literalMD "a store file with `content`";
          example = lib.literalExpression "./service.conf.template";
          description = ''
            File with the text of the template. If it is set, `content` is ignored. In both, `@sops:NAME@` stands for the secret with that name, and
            `@sops:NAME|FILTER@` for what a filter of `sops.filtered` writes; `indent-4` is `indent 4`. The build refuses names that no secret has.
          '';
        };

        as = lib.mkOption {
          type = types.nullOr types.envForm;
          default = null;
          example = "systemd-env";
          description = ''
            For which reader the lines `NAME=value` of the template are written, as for a secret. A secret with a line feed stays one value.
          '';
        };

        check = lib.mkOption {
          type = types.nullOr types.lines;
          default = null;
          example = lib.literalExpression ''"''${pkgs.jq}/bin/jq . \"$1\""'';
          description = ''
            Shell commands that look at a new text before it is installed. `$1` is a file with the text; standard input has none. If one of them fails,
            the template has failed, as if a secret of it had: if secrets are installed already, nothing is changed, and otherwise, as at boot, all but
            this template are installed. (The shell has `set -e`: of `a && b`, and of a pipe, the last command counts.) What they print goes to no log,
            because it may quote secrets: the message has the command that shows it.

            The commands have 30 seconds, and those of all templates together 60 seconds. If there is no answer by then, the template has failed, too;
            but if nothing is installed yet, it is installed unchecked, with a warning. A text that is installed is not checked again, whatever the
            commands are by now. At boot nothing is installed, so each text is checked, before most services run. Dummies of `sops.mock` are not checked.

            The commands run where the secrets are installed, with its rights. In `sops-nix.service` that is root without a network, with few capabilities,
            little memory, and a file system that is mostly read-only; with no devices, no namespaces, no system calls that services seldom need, and
            nothing that compiles while it runs, such as node and java. So `nginx -t`, which opens sockets, fails there. On a host that uses age plugins,
            gpg or key commands, what stands behind the semicolon is not so; and if a key comes over the network, they have the network, too. Nothing is
            limited if your configuration has commands for that unit under its former name, where a script installs the secrets
            (`sops.useSystemdActivation = false`), and on macOS: then they have all rights of root. With home-manager they have those of the user.

            `TMPDIR` is a directory in memory that goes with the run. What the commands write elsewhere, or to a log, stays there, and a process that they
            leave behind in a session of its own (`setsid`) is not ended with them.
          '';
        };

        mode = lib.mkOption {
          type = types.singleLineStr;
          default = "0400";
          description = "Permissions of the rendered file, in octal.";
        };
      };
    };
in
{
  options.sops = {
    secrets = lib.mkOption {
      type = types.attrsOf (types.submodule secret);
      default = { };
      description = "The secrets to install, by name.";
    };

    templates = lib.mkOption {
      type = types.attrsOf (types.submodule template);
      default = { };
      description = "Files that contain secrets among other text (configuration files, for instance), by name.";
    };

    directories = lib.mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            mode = lib.mkOption {
              type = types.str;
              example = "0750";
              description = ''
                Permissions of the directory, in octal. Its owner has to write in it, and nobody else may: such as `"0711"`, `"0750"`, `"0751"` or `"0755"`.
                The owners of the secrets in it have to be able to enter it: with `"0750"` they have to be in its group, and with `"0700"` only root is.
              '';
            };
            # Is there for its message alone: a directory has no owner but root.
            owner = lib.mkOption {
              type = types.raw;
              default = null;
              visible = false;
              description = "No directory has an owner but root, or the user of home-manager.";
            };
          };
        }
      );
      default = { };
      example = lib.literalExpression ''{ scripts.mode = "0755"; "rendered/app".mode = "0750"; }'';
      description = ''
        Directories of secrets with a `/` in their names that have permissions of their own: `scripts` is the directory of the secret `scripts/backup`, and
        `rendered/app` that of the template `app/config`. All others have mode 0751, so that everybody can open a file by its name, if its own
        mode allows that, and only the group of the directory can list the names.

        They belong to root, or to the user of home-manager, and cannot be given to another owner: whoever owns a directory can make it writable, whatever
        its mode says, and could then put something else in the place of a secret, fill the memory, or stop the next run. Let a group in by `group` and `mode`.
      '';
    };

    placeholder = lib.mkOption {
      type = types.attrsOf types.coercibleToString;
      default = { };
      example = lib.literalExpression ''"password = ''${config.sops.placeholder."db/password"}"'';
      description = ''
        For each secret, the text that stands for it in a template. The module sets it: use it, and do not change it.
      '';
    };

    filtered = lib.mkOption {
      type = types.attrsOf types.raw;
      readOnly = true;
      default = lib.mapAttrs (
        name: placeholder:
        filtersOf {
          placeholder = "${placeholder}";
          option = "sops.placeholder.${lib.strings.escapeNixIdentifier name}";
        }
      ) cfg.placeholder;
      defaultText = lib.literalMD "the placeholders of all secrets, with filters";
      example = lib.literalExpression ''"{ \"password\": ''${config.sops.filtered."db/password".json} }"'';
      description = ''
        For each secret, texts that stand for it in a template as a filter writes it, so that the reader of the template gets the secret as it is:
        `json`, `yaml`, `env` (for `EnvironmentFile=` of systemd), `sh`, `nix`, `url`, `xml`, `base64`, `indent 4` (that many spaces before each line but the
        first) and `first-line`. The first five write a string with its quotes, and without them where the placeholder stands between quotes on its
        line. See [readers.md](readers.md#secrets-in-other-texts).
      '';
    };
  };

  config.sops.placeholder = lib.mapAttrs (
    name: _: lib.mkDefault "<SOPS:${builtins.hashString "sha256" name}:PLACEHOLDER>"
  ) cfg.secrets;
}
