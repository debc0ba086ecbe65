# A text file with the metrics of each phase, for the node exporter of Prometheus.
{ lib, ... }:

let
  inherit (lib) types;
in
{
  options.sops.metrics = {
    enable = lib.mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether each installation writes metrics for the node exporter of Prometheus: the generation, the time of the last success, how many secrets failed,
        when each sops file was last changed, and how many recipients it has. They contain nothing of a secret. If they cannot be written, that is only a
        warning. The node exporter has to read the directory:
        `services.prometheus.exporters.node.extraFlags = [ "--collector.textfile.directory=''${config.sops.metrics.directory}" ]`.
      '';
    };

    directory = lib.mkOption {
      type = types.path;
      default = "/var/lib/prometheus-node-exporter-text-files";
      description = ''
        Directory of the metrics. There, each phase has a file of its own: `sops-nix.prom`, `sops-nix-for-users.prom` and `sops-nix-for-file-systems.prom`. If
        the directory is missing, it is made, but not one above it.
      '';
    };
  };
}
