# The package, under the path that users of sops-nix call. There `vendorHash` pins Go modules; here Cargo.lock pins everything.
{
  callPackage,
  vendorHash ? null,
}:
callPackage ../../nix/package.nix { }
