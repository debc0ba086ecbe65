//! Tests of wrong arguments, and of the help and version.

use expect_test::expect;

use crate::common::World;

#[test]
fn help_and_version_are_printed_on_standard_output() {
    let world = World::user();
    let version = world.run_arguments(["-version"]);
    assert_eq!((version.code, version.err.as_str()), (Some(0), ""));
    assert_eq!(version.out, format!("sops-install-secrets {}\n", env!("CARGO_PKG_VERSION")));
    let help = world.run_arguments(["--help"]);
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    let help: String = help.out.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    expect![[r#"
        Decrypt the sops files that a configuration declares and publish them under /run/secrets

        Reads one JSON manifest that a NixOS or home-manager module made, finds the host's keys, decrypts the sops files that the manifest names, and publishes the secrets as a new generation. Flags are accepted with one dash or two.

        Usage: sops-install-secrets [OPTIONS] <MANIFEST.json>

        Arguments:
          <MANIFEST.json>
                  The manifest

        Options:
              --check-mode <MODE>
                  Check instead of install: the manifest alone, or also that each sops file has the wanted keys; needs no key and no root

                  Possible values:
                  - off:      Install
                  - manifest: Read and validate the manifest only
                  - sopsfile: Also parse each sops file and look for the wanted keys

                  [default: off]

              --ignore-passwd[=<BOOL>]
                  Look up no user or group: all files belong to root, in user mode to the caller

                  [default: false]
                  [possible values: true, false]

              --key-services <MODE>
                  Key services: ask them; leave what only they open to sops-nix-online.service; or complete what a run has left

                  Possible values:
                  - ask:      They are asked. What they do not open fails, as any file does that no key opens
                  - defer:    They are not asked. A later run completes the set, so what only they could give is no failure, and keeps what is live of it. In an early phase no later run comes, so there it fails
                  - complete: They are asked, by the run that completes the set. What they do not open fails, and keeps what is live of it

                  [default: ask]

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Exit codes:
          0  done
          1  failed, nothing changed
          2  wrong usage, or a manifest that cannot be used
          3  published, but some secrets (while nothing was published before, or as onFailure says), links, copies or unit requests failed
          4  with -key-services=complete: as 1 or 3, and neither a key service nor a key that comes later could help
    "#]].assert_eq(&help);
}
