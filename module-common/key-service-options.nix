# The options that say how key services are asked for data keys, such as those of clouds.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  cfg = config.sops;
  keySources = import ./key-sources.nix { inherit lib cfg; };
  keyServices = import ./key-services.nix { inherit lib cfg; };
  isSet = import ./is-set.nix { inherit lib; };
  types = lib.types // import ./types.nix { inherit lib; };
  textOption =
    example: description:
    lib.mkOption {
      type = types.nullOr types.str;
      default = null;
      inherit example description;
    };
  fileOption =
    example: description:
    lib.mkOption {
      type = types.nullOr types.pathNotInStore;
      default = null;
      inherit example description;
    };
in
{
  options.sops.keyServices = {
    enable = lib.mkOption {
      type = types.bool;
      default =
        pkgs.stdenv.hostPlatform.isLinux && (keyServices.isConfigured || keySources.cloudVariables != [ ]);
      defaultText = lib.literalMD "true on Linux, if one of the options for AWS, Azure, Google, Huawei or Vault, `sops.keyServices.allowedEndpoints`, `addresses` or `environmentFile`, or a variable of a key service in `sops.environment` is set";
      description = ''
        Whether key services are asked for the data keys of sops files that no key of this host opens: AWS KMS, Azure Key Vault, Google Cloud KMS, Huawei Cloud KMS, the transit
        engine of Vault or OpenBao, and any `sops keyservice`. The program for this is only in the closure where this is true. On NixOS,
        `sops-nix-online.service` asks once the network is there, and installs what was deferred until then.
      '';
    };

    package = lib.mkOption {
      type = types.package;
      default = pkgs.callPackage ../nix/key-services.nix { };
      defaultText = lib.literalMD "`sops-key-services` of this project, built with your `pkgs`";
      description = "The package that provides `bin/sops-key-services`.";
    };

    allowedEndpoints = lib.mkOption {
      type = types.listOf (types.strMatching "https?://[^/@?# ]+/?");
      default = [ ];
      example = [ "https://vault.example.com:8200" ];
      description = ''
        Servers to which a sops file may send the token of this host. The address of a Vault is in the file, and whoever can change the file can change the
        address. So it is asked only if scheme, host and port are in this list or in `VAULT_ADDR`, or if `sops.keyServices.vault.agentAddress` replaces it.
        A vault of Azure need not be in the list if it has a name in one of Azure's domains for vaults. For one elsewhere, list its address and that of the
        service above it, which its tokens are for.
      '';
    };

    addresses = lib.mkOption {
      type = types.listOf (types.strMatching "unix:///.+|tcp://.+:[0-9]+");
      default = [ ];
      example = [ "unix:///run/sops-keyservice.sock" ];
      description = ''
        Where a `sops keyservice` listens: `unix:///path` or `tcp://host:port`. They are asked, in this order, for keys that this host has no credentials for that
        `sops-key-services` can use, or only some with which it is denied. What is sent over TCP is not encrypted.
      '';
    };

    environmentFile = fileOption "/run/keys/aws.env" ''
      Regular file on the host with credentials, one `NAME=VALUE` a line. Only the program that asks key services gets these variables, such as
      `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `VAULT_TOKEN`. They count before all other settings.
    '';

    hideCredentials = lib.mkOption {
      type = types.bool;
      default = keyServices.isConfigured || isSet options.sops.keyServices.enable;
      defaultText = lib.literalMD "true if `sops.keyServices.enable` or one of the options that turn it on is set";
      description = ''
        Whether age plugins are started without the variables in `sops.environment` that identify this host to a key service
        (`AWS_SECRET_ACCESS_KEY`, `VAULT_TOKEN` and the like). Set this to false for a plugin that asks a key service itself. What is in
        `sops.keyServices.environmentFile` gets to no plugin in any case. Where `sops.keyServices.enable` is false, this has no effect, and plugins get
        the variables.
      '';
    };

    timeout = lib.mkOption {
      type = types.ints.between 1 3600;
      default = 10;
      description = ''
        How many seconds everything that is asked of one service may take. It ends sooner if `sops.keyTimeout` is over. If there is a `sops keyservice`, half of
        the time is left for it. At most 3600.
      '';
    };

    certificateFile = lib.mkOption {
      type = types.path;
      default = config.security.pki.caBundle or "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
      defaultText = lib.literalMD "the authorities of the host on NixOS (`config.security.pki.caBundle`), else those of `pkgs.cacert`";
      description = ''
        Certificates of the authorities that vouch for key services, as PEM. The variable `SSL_CERT_FILE` counts before this, `AWS_CA_BUNDLE` and
        `VAULT_CACERT` before both.
      '';
    };

    aws = {
      profile = textOption "secrets" "The profile whose credentials are used (`AWS_PROFILE`), if the sops file names none.";
      roleArn = textOption "arn:aws:iam::111122223333:role/web" "The role to assume with the token in `sops.keyServices.aws.webIdentityTokenFile` (`AWS_ROLE_ARN`).";
      webIdentityTokenFile = fileOption "/run/keys/token" "File with a token of another issuer (`AWS_WEB_IDENTITY_TOKEN_FILE`).";
      configFile = fileOption "/etc/aws/config" "The shared configuration of AWS (`AWS_CONFIG_FILE`). The program has no home directory in which it would look for one. A `credential_process` in it is run by `/bin/sh`, which finds its command by its whole path alone.";
      credentialsFile = fileOption "/run/keys/aws-credentials" "The shared credentials of AWS (`AWS_SHARED_CREDENTIALS_FILE`).";
    };

    azure = {
      tenantId = textOption "11111111-2222-3333-4444-555555555555" "The tenant of the application that this host is (`AZURE_TENANT_ID`).";
      clientId = textOption "66666666-7777-8888-9999-aaaaaaaaaaaa" "The application that this host is, or the managed identity to use if the machine has several (`AZURE_CLIENT_ID`).";
      clientSecretFile = fileOption "/run/keys/azure-secret" "File with a secret of the application.";
      certificateFile = fileOption "/run/keys/azure.pem" "File with a certificate of the application and its RSA key, as PEM and without a password (`AZURE_CLIENT_CERTIFICATE_PATH`).";
      federatedTokenFile = fileOption "/run/keys/token" "File with a token of another issuer that the application trusts (`AZURE_FEDERATED_TOKEN_FILE`).";
      authorityHost = textOption "https://login.chinacloudapi.cn" "Where this host signs in, if not in the public cloud (`AZURE_AUTHORITY_HOST`). Vaults of another cloud are not asked.";
    };

    google = {
      credentialsFile = fileOption "/run/keys/google.json" "File with credentials of Google, as JSON: of a service account, of a workload that has a token of another issuer, or those that `gcloud` writes (`GOOGLE_APPLICATION_CREDENTIALS`). Without it, and without a variable that names others, the service account of the instance counts.";
      endpoint = textOption "https://cloudkms.example.com" "The address of Google Cloud KMS, if it is not the usual one (`SOPS_GCP_KMS_ENDPOINT`).";
      universeDomain = textOption "s3nsapis.fr" "The domain of a cloud that offers the services of Google, if it is not Google's own (`SOPS_GCP_KMS_UNIVERSE_DOMAIN`).";
    };

    huawei = {
      credentialsFile = fileOption "/run/keys/huawei" "File with an access key of Huawei, in its section `[basic]` (`HUAWEICLOUD_SDK_CREDENTIALS_FILE`). Without it, and without a variable that names others, the agency of the instance counts.";
      projectId = textOption "0d0466b000aa4ab9a5d3b1c2d3e4f506" "The project of the keys (`HUAWEICLOUD_SDK_PROJECT_ID`). Without it, the identity service is asked.";
      iamEndpoint = textOption "https://iam.example.com" "The address of the identity service, if it is not the usual one (`HUAWEICLOUD_SDK_IAM_ENDPOINT`).";
    };

    vault = {
      tokenFile = fileOption "/run/vault/token" "File with the token, as an agent of Vault writes it to its sink.";
      namespace = textOption "admin/web" "The namespace (`VAULT_NAMESPACE`).";
      agentAddress = textOption "unix:///run/vault-agent/socket" "The address of an agent, which is asked instead of the server that the sops file names (`VAULT_AGENT_ADDR`): `unix:///path` or `http://host:port`.";
      roleId = textOption "0d0466b0-e727-4d9c-b35d-f84bb474a37f" "The role of AppRole with which the host signs in, if it has neither a token nor an agent. This is no secret, unless the role needs none beside it: then put `VAULT_ROLE_ID` into `sops.keyServices.environmentFile`.";
      secretIdFile = fileOption "/run/keys/secret-id" "File with the secret of the role in `sops.keyServices.vault.roleId`, if the role needs one.";
      kubernetesRole = textOption "web" "The role with which a pod of Kubernetes signs in, if it has neither a token nor an agent.";
      kubernetesTokenFile = fileOption "/run/keys/pod-token" "File with the token of the pod, if it is not at `/var/run/secrets/kubernetes.io/serviceaccount/token`.";
      authPath = textOption "team/approle" "Where the method of signing in is mounted, if not at `approle` or `kubernetes`.";
      clientCertificateFile = lib.mkOption {
        type = types.nullOr types.path;
        default = null;
        example = "/etc/ssl/host.pem";
        description = "Certificate that the server gets to see of this host, as PEM (`VAULT_CLIENT_CERT`). Its key is in `sops.keyServices.vault.clientKeyFile`.";
      };
      clientKeyFile = fileOption "/run/keys/host.key" "File with the key of `sops.keyServices.vault.clientCertificateFile`, as PEM and without a password (`VAULT_CLIENT_KEY`).";
      certificateFile = lib.mkOption {
        type = types.nullOr types.path;
        default = null;
        example = "/etc/ssl/vault.pem";
        description = "Certificates of the authorities that vouch for the server (`VAULT_CACERT`).";
      };
    };
  };
}
