# Evaluates the same configurations by the modules of this project and by those of sops-nix: case → { ours, theirs }, each a list of
# manifests. normal-form.nix defines how the manifests are compared. The list below has the cases that differ on purpose.
{
  lib ? import ./find-lib.nix,
  # A checkout of sops-nix.
  sopsNix,
}:

let
  defaultPkgs = import ./stand-ins/pkgs.nix { inherit lib; };
  render = import ./render.nix { inherit lib; };
  cases = import ./cases {
    inherit lib;
    pkgs = defaultPkgs;
  };

  # Cases that sops-nix cannot evaluate, and cases that differ on purpose. docs/switch-from-sops-nix.md has the reasons. In each
  # comment, `it` is sops-nix.
  intended = [
    # It has no `neededForUsers` for templates, and does not render early secrets in regular templates.
    "early-template"
    "early-secret-in-a-regular-template"
    "templates-of-one-name-in-both-phases"
    # It has no `neededForFileSystems`.
    "secret-for-file-systems"
    "secret-for-file-systems-in-a-regular-template"
    "secrets-of-one-name-in-three-phases"
    "template-for-file-systems"
    # The description of its option says that the file wins, but its program takes the content.
    "template-whose-file-wins-over-its-content"
    # It copies unquoted key paths to the store.
    "key-paths-without-quotes"
    # It looks placeholders up by file name, but lists them by attribute name.
    "placeholder-of-a-secret-with-another-name"
    # Its text file in the store cannot have a name with directories.
    "template-in-directories"
    # It links a secret of another name under its attribute name.
    "home-secret-with-a-name"
    # It looks for the templates of home-manager in the default directory, whatever the directory of the secrets is.
    "home-places-without-a-run-time-directory"
    # It has no option for a credential, a time limit or a size limit.
    "home-key-credential"
    "key-credential"
    "key-credential-with-userborn"
    "key-timeout"
    "max-size"
    "short-key-timeout"
    # It has no rule for a secret that fails.
    "secret-that-keeps-its-value"
    # It makes symlinks only.
    "copies"
    "home-copy"
    # It takes nothing off a secret.
    "secret-without-its-line-end"
    # It transforms nothing.
    "darwin-secrets-that-are-hashed"
    "home-secret-that-is-hashed"
    "secrets-that-are-transformed"
    # All its directories are alike.
    "directories-with-rights"
    "home-directories-with-rights"
    "home-directory-with-an-owner"
    # It has no optional secrets.
    "optional-secret-without-its-file"
    "secret-that-is-optional"
    # It has no parts of files but single values, no files for one reader, and none for programs that watch.
    "parts-of-files"
    "files-of-variables"
    "files-of-variables-of-units"
    "home-files-of-variables-of-units"
    "home-watched"
    "watched"
    # It has no filters, no names in templates and no `envFiles`, and does not say which secrets are unused.
    "early-secrets-named-in-regular-templates"
    "env-file-of-a-host-without-secrets"
    "env-files"
    "home-unused-secrets"
    "template-file-with-names"
    "template-with-filters"
    "unused-secrets"
    # It has no credentials of services, and cannot be switched off.
    "credential-of-a-service-without-rights"
    "credentials-of-all-phases"
    "credentials-of-instances"
    "credentials-with-scripts"
    "disabled"
    "disabled-with-scripts"
    # It has no dummies, no metrics, and does not look at the age of files.
    "darwin-mock"
    "home-mock"
    "home-mock-of-its-host"
    "metrics"
    "mock"
    "mock-in-a-nixos-test"
    "mock-in-virtual-machines"
    "mock-that-boots"
    "mock-value-on-a-host"
    "mock-with-scripts-that-boots"
    "mock-with-scripts"
    "no-mock-in-a-nixos-test-that-has-a-key"
    "warn-age"
    "writable-directories"
    # It has no units and no commands before and after an installation.
    "commands-after-scripts"
    "commands-around-scripts"
    "commands-around-units"
    "commands-that-hang-around-scripts"
    "commands-that-hang-around-units"
    "surroundings-of-nothing"
    "units-around-all-phases"
    # It delivers no keys to users.
    "key-of-a-user"
    "key-of-a-user-without-home-manager"
    # Its program asks key services itself.
    "key-service-and-those-who-need-its-secrets"
    "key-service-of-a-cloud"
    "key-service-of-a-plugin"
    "home-key-service-of-azure"
    "key-service-of-azure"
    "key-service-that-boots"
    "key-service-that-boots-by-script"
    "key-services"
    "key-services-turned-off"
    "key-services-with-own-authorities"
    # It knows no first boot.
    "no-key-at-first-boot"
    "key-that-comes-late"
    "key-that-comes-late-beside-key-services"
    "key-that-comes-late-by-script"
    "key-that-comes-late-of-a-mock"
    "key-that-comes-late-without-secrets"
    # It does not know who a host is.
    "host-recipients"
    # It restarts no user units.
    "home-units-to-restart-and-reload"
    # Without secrets it has no service, so its manifest cannot be seen.
    "home-without-secrets"
  ];

  normal = import ./normal-form.nix { inherit lib; };

  # Its own packages do not matter here.
  theirPackage.sops.package = lib.mkDefault defaultPkgs.hello;

  evaluators = {
    nixos =
      pkgs: module:
      let
        inherit
          (lib.evalModules {
            specialArgs = { inherit pkgs; };
            modules = [
              ./stand-ins/nixos.nix
              ./stand-ins/file-systems.nix
              (sopsNix + "/modules/sops")
              theirPackage
              { sops.validationPackage = lib.mkDefault defaultPkgs.hello; }
              module
            ];
          })
          config
          ;
        ours = import ./evaluate-nixos.nix { inherit lib pkgs render; } module;
      in
      {
        ours = [
          ours."manifest.json"
          ours."manifest-for-users.json"
        ];
        theirs = [
          config.system.build.sops-nix-manifest.text
          config.system.build.sops-nix-users-manifest.text
        ];
      };

    # Its manifest can only be reached through the script of its service. Here scripts and manifests are represented by their text.
    home =
      pkgs: module:
      let
        texts = pkgs // {
          writeShellScript = _: text: text;
          writeTextFile = { text, ... }: text;
        };
        inherit
          (lib.evalModules {
            specialArgs.pkgs = texts;
            modules = [
              ./stand-ins/home-manager.nix
              (sopsNix + "/modules/home-manager/sops.nix")
              theirPackage
              { config._module.args.pkgs = lib.mkForce texts; }
              module
            ];
          })
          config
          ;
      in
      {
        ours = [ (import ./evaluate-home.nix { inherit lib pkgs render; } module)."manifest.json" ];
        theirs = [
          (lib.trim (
            lib.last (
              lib.splitString "-ignore-passwd " (
                if pkgs.stdenv.isDarwin then
                  config.launchd.agents.sops-nix.config.Program
                else
                  config.systemd.user.services.sops-nix.Service.ExecStart
              )
            )
          ))
        ];
      };

    darwin =
      pkgs: module:
      let
        inherit
          (lib.evalModules {
            specialArgs = { inherit pkgs; };
            modules = import ./nix-darwin-options.nix { inherit lib; } ++ [
              (sopsNix + "/modules/nix-darwin")
              theirPackage
              { sops.validationPackage = lib.mkDefault defaultPkgs.hello; }
              module
            ];
          })
          config
          ;
      in
      {
        ours = [ (import ./evaluate-darwin.nix { inherit lib pkgs render; } module)."manifest.json" ];
        theirs = [ config.system.build.sops-nix-manifest.text ];
      };
  };

  comparison =
    _:
    {
      system ? "nixos",
      pkgs ? defaultPkgs,
      module,
      ...
    }:
    let
      results = evaluators.${system} pkgs module;
    in
    {
      ours = map normal results.ours;
      theirs = map normal results.theirs;
      # The manifest as the module of sops-nix writes it for the program.
      manifests = map builtins.unsafeDiscardStringContext results.theirs;
    };
in
lib.mapAttrs comparison (
  lib.filterAttrs (name: case: lib.elem "manifest.json" case.shows && !lib.elem name intended) cases
)
