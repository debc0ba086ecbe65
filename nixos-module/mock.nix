# Where secrets are dummies by themselves: in the virtual machines that `nixos-rebuild build-vm` makes of a host, and in NixOS tests. Neither has the keys of
# the host.
{ lib, options, ... }:

let
  # Only the nodes of NixOS tests have one of these options. Other modules may have options of their own below `testing`.
  isTest = options ? testing.backdoor || options ? testing.initrdBackdoor;
  variants = lib.filter (variant: options ? virtualisation.${variant}) [
    "vmVariant"
    "vmVariantWithBootLoader"
  ];
in
{
  options.sops.mock = lib.mkOption {
    default = isTest;
    defaultText = lib.literalMD "`true` in NixOS tests and in `virtualisation.vmVariant`, else `false`";
  };

  config = lib.optionalAttrs (variants != [ ]) {
    virtualisation = lib.genAttrs variants (_: {
      sops.mock = lib.mkDefault true;
    });
  };
}
