//! Wrong usage, and what is asked for.

use expect_test::expect;

use crate::common::World;
use crate::paragraph;

#[test]
fn wrong_usage_is_told_in_a_line() {
    let world = World::user();
    let manifest = world.write("m.json", "{}");
    let manifest = manifest.to_str().unwrap();
    let text: String = [
        vec![],
        vec![""],
        vec!["-x", manifest],
        vec!["-chek-mode=off", manifest],
        vec!["-check-mode=all", manifest],
        vec!["-check-mode", manifest],
        vec!["-check-mode=", manifest],
        vec!["-check-mode=off", "-check-mode=off", manifest],
        vec!["-ignore-passwd=maybe", manifest],
        vec!["a.json", "b.json"],
        vec!["--", "-a.json"],
    ]
    .into_iter()
    .map(|arguments| paragraph(&world.shown(&arguments.join(" ")), &world.run_arguments(&arguments)))
    .collect();
    expect![[r##"
        # : 2
        error: no manifest given; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # : 2
        error: <MANIFEST.json> cannot be ""; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # -x $DIR/m.json: 2
        error: unknown flag -x; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # -chek-mode=off $DIR/m.json: 2
        error: unknown flag --chek-mode; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # -check-mode=all $DIR/m.json: 2
        error: --check-mode <MODE> cannot be "all"; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # -check-mode $DIR/m.json: 2
        error: --check-mode <MODE> cannot be "$DIR/m.json"; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # -check-mode= $DIR/m.json: 2
        error: --check-mode <MODE> cannot be ""; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # -check-mode=off -check-mode=off $DIR/m.json: 2
        error: the manifest $DIR/m.json is not valid:
          secretsMountPoint is missing
          symlinkPath is missing

        # -ignore-passwd=maybe $DIR/m.json: 2
        error: --ignore-passwd[=<BOOL>] cannot be "maybe"; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # a.json b.json: 2
        error: more than one manifest given; usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] MANIFEST.json

        # -- -a.json: 2
        error: cannot read the manifest -a.json: no such file

    "##]].assert_eq(&text);
}

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

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Exit codes:
          0  done
          1  failed, nothing changed
          2  wrong usage, or a manifest that cannot be used
          3  published, but some secrets (only while nothing was published before), links or unit requests failed
    "#]].assert_eq(&help);
}
