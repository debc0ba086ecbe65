# Templates.
{ pkgs, ... }:

let
  host =
    module:
    { config, ... }@args:
    {
      imports = [ (module args) ];
      services.openssh.enable = true;
      users.users.nginx.group = "web";
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password" = { };
    };
in
{
  template-with-defaults = {
    shows = [ "manifest.json" ];
    module = host (
      { config, ... }:
      {
        sops.templates."app.conf".content = "password = ${config.sops.placeholder."db/password"}\n";
      }
    );
  };

  template-with-every-option = {
    shows = [ "manifest.json" ];
    module = host (
      { config, ... }:
      {
        systemd.services.app = { };
        systemd.services.nginx = { };
        sops.templates."app.conf" = {
          name = "application.conf";
          path = "/etc/app.conf";
          content = ''
            user = app
            password = ${config.sops.placeholder."db/password"}
          '';
          mode = "0440";
          owner = "nginx";
          group = "keys";
          restartUnits = [ "app.service" ];
          reloadUnits = [ "nginx.service" ];
        };
      }
    );
  };

  template-from-a-file = {
    shows = [ "manifest.json" ];
    module = host (_: {
      sops.templates."app.conf" = {
        file = ../files/app.conf.template;
        uid = 1042;
        gid = 1043;
      };
    });
  };

  template-whose-file-wins-over-its-content = {
    shows = [ "manifest.json" ];
    module = host (_: {
      sops.templates."app.conf" = {
        file = ../files/app.conf.template;
        content = "not this";
      };
    });
  };

  template-from-a-file-that-is-built = {
    shows = [ "manifest.json" ];
    module = host (_: {
      sops.templates."app.conf".file = pkgs.writeText "built.conf" "built";
    });
  };

  empty-template = {
    shows = [ "manifest.json" ];
    module = host (_: {
      sops.templates."app.conf" = { };
    });
  };

  template-in-directories = {
    shows = [ "manifest.json" ];
    module = host (
      { config, ... }:
      {
        sops.templates."app/conf.d/db" = {
          owner = "nginx";
          content = config.sops.placeholder."db/password";
        };
      }
    );
  };

  placeholder-set-by-the-user = {
    shows = [ "manifest.json" ];
    module = host (
      { config, ... }:
      {
        sops.placeholder."db/password" = "@password@";
        sops.templates."app.conf".content = "password = @password@";
      }
    );
  };

  # The placeholder stands for the secret, whatever the name of its file is.
  placeholder-of-a-secret-with-another-name = {
    shows = [ "manifest.json" ];
    module = host (
      { config, ... }:
      {
        sops.secrets."db/password".name = "password";
        sops.templates."app.conf".content = config.sops.placeholder."db/password";
      }
    );
  };

  # A host may have templates that use no secret.
  template-without-secrets = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      sops.templates."motd".content = "hello";
    };
  };

  template-with-filters = {
    shows = [ "manifest.json" ];
    module = host (
      { config, lib, ... }:
      let
        inherit (config.sops.filtered."db/password") indent;
        filters = removeAttrs config.sops.filtered."db/password" [ "indent" ];
      in
      {
        sops.templates =
          lib.mapAttrs (filter: placeholder: {
            content = "${if filter == "yaml" then "- " else "A="}${placeholder}\n";
          }) filters
          // {
            "app.yaml".content = "password: |\n    ${indent 4}\n";
            # A word of a shell is no part of a string.
            "app.json".content = builtins.toJSON (removeAttrs filters [ "sh" ]);
          };
      }
    );
  };

  template-file-with-names = {
    shows = [ "manifest.json" ];
    module = host (_: {
      sops.templates."app.conf".file = ../files/names.conf.template;
    });
  };

  # A secret, a line of the user, another reader, and a file without variables.
  env-files = {
    shows = [ "manifest.json" ];
    module = host (_: {
      systemd.services.app = { };
      sops.secrets.token.key = "db/password";
      sops.envFiles = {
        app = {
          DB_PASSWORD = "db/password";
          API_TOKEN = "token";
        };
        docker.TOKEN = "token";
        # Its text is a file of the store, of this name.
        "app.conf" = { };
      };
      sops.templates = {
        app = {
          owner = "nginx";
          path = "/etc/app.env";
          restartUnits = [ "app.service" ];
          content = "LOG=info";
        };
        docker.as = "docker-env";
      };
    });
  };

  env-file-of-a-host-without-secrets = {
    shows = [ "manifest.json" ];
    module = host (_: {
      sops.enable = false;
      sops.envFiles.app.DB_PASSWORD = "db/password";
    });
  };
}
