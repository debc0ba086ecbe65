{
  description = "Decrypts the sops files that a NixOS or home-manager configuration declares and publishes them under /run/secrets";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      macos = [
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      forEachSystem = nixpkgs.lib.genAttrs (linux ++ macos);
      # default.nix has everything.
      project = forEachSystem (system: import ./default.nix { pkgs = nixpkgs.legacyPackages.${system}; });
      ofEach = select: forEachSystem (system: select project.${system});
      helpers = project: {
        inherit (project)
          git-credential-sops
          sops-init-gpg-key
          sops-import-keys-hook
          sops-pgp-hook
          ssh-to-pgp
          ;
      };
    in
    {
      nixosModules = {
        sops = ./nixos-module;
        default = self.nixosModules.sops;
      };

      homeModules = {
        sops = ./home-module;
        default = self.homeModules.sops;
      };
      # The names of this output in sops-nix. The module asks the package set of its host whether it is for Linux or for macOS.
      homeManagerModules = self.homeModules;
      homeManagerModule = self.homeModules.sops;

      darwinModules = {
        sops = ./darwin-module;
        default = self.darwinModules.sops;
      };

      overlays.default =
        final: _:
        # nixpkgs has ssh-to-pgp itself.
        removeAttrs (import ./nix/helpers.nix { pkgs = final; }) [ "ssh-to-pgp" ]
        // {
          sops-install-secrets = final.callPackage ./nix/package.nix { };
        };

      packages = ofEach (
        project:
        helpers project
        // {
          inherit (project) sops-install-secrets default docs;
        }
        # macOS has no static programs, and no program that asks key services.
        // nixpkgs.lib.optionalAttrs (project ? static) { inherit (project) static sops-key-services; }
      );

      checks = ofEach (project: project.checks);
      devShells = ofEach (project: {
        default = project.shell;
      });
      formatter = ofEach (project: project.formatter);

      apps = ofEach (
        project:
        {
          # What people type. The default of `nix run` is the installer.
          sops-nix = {
            type = "app";
            program = "${project.sops-install-secrets}/bin/sops-nix";
            meta.description = "Shows and checks the secrets of a host, the sops files of a repository, and the recipients of keys";
          };
        }
        // nixpkgs.lib.optionalAttrs (project ? demo) {
          demo = {
            type = "app";
            program = nixpkgs.lib.getExe project.demo;
            meta.description = "Installs sample secrets in a temporary directory and shows them";
          };
        }
      );
    };
}
