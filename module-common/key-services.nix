# What the options under `sops.keyServices` mean: variables of the program that asks key services, and its part of the manifest.
{ lib, cfg }:

let
  services = cfg.keyServices;
  inherit (services)
    aws
    azure
    google
    huawei
    vault
    ;

  named = lib.filterAttrs (_: value: value != null) {
    AWS_PROFILE = aws.profile;
    AWS_ROLE_ARN = aws.roleArn;
    AWS_WEB_IDENTITY_TOKEN_FILE = aws.webIdentityTokenFile;
    AWS_CONFIG_FILE = aws.configFile;
    AWS_SHARED_CREDENTIALS_FILE = aws.credentialsFile;
    AZURE_TENANT_ID = azure.tenantId;
    AZURE_CLIENT_ID = azure.clientId;
    # A name of ours.
    AZURE_CLIENT_SECRET_FILE = azure.clientSecretFile;
    AZURE_CLIENT_CERTIFICATE_PATH = azure.certificateFile;
    AZURE_FEDERATED_TOKEN_FILE = azure.federatedTokenFile;
    AZURE_AUTHORITY_HOST = azure.authorityHost;
    GOOGLE_APPLICATION_CREDENTIALS = google.credentialsFile;
    SOPS_GCP_KMS_ENDPOINT = google.endpoint;
    SOPS_GCP_KMS_UNIVERSE_DOMAIN = google.universeDomain;
    HUAWEICLOUD_SDK_CREDENTIALS_FILE = huawei.credentialsFile;
    HUAWEICLOUD_SDK_PROJECT_ID = huawei.projectId;
    HUAWEICLOUD_SDK_IAM_ENDPOINT = huawei.iamEndpoint;
    VAULT_TOKEN_FILE = vault.tokenFile;
    VAULT_NAMESPACE = vault.namespace;
    VAULT_AGENT_ADDR = vault.agentAddress;
    VAULT_CACERT = vault.certificateFile;
    VAULT_CLIENT_CERT = vault.clientCertificateFile;
    VAULT_CLIENT_KEY = vault.clientKeyFile;
    # Names of ours.
    VAULT_ROLE_ID = vault.roleId;
    VAULT_SECRET_ID_FILE = vault.secretIdFile;
    VAULT_KUBERNETES_ROLE = vault.kubernetesRole;
    VAULT_KUBERNETES_TOKEN_FILE = vault.kubernetesTokenFile;
    VAULT_AUTH_PATH = vault.authPath;
  };
in
{
  # Whether an option says how a service is asked.
  isConfigured =
    named != { }
    || services.allowedEndpoints != [ ]
    || services.addresses != [ ]
    || services.environmentFile != null;

  # Files on the host that the program reads.
  files = map toString (
    lib.filter (file: file != null) [
      services.environmentFile
      aws.webIdentityTokenFile
      aws.configFile
      aws.credentialsFile
      azure.clientSecretFile
      azure.certificateFile
      azure.federatedTokenFile
      google.credentialsFile
      huawei.credentialsFile
      vault.tokenFile
      vault.certificateFile
      vault.clientCertificateFile
      vault.clientKeyFile
      vault.secretIdFile
      vault.kubernetesTokenFile
    ]
  );

  # A profile of the shared configuration may name a program that prints credentials.
  mayStartPrograms = aws.configFile != null || cfg.environment ? AWS_CONFIG_FILE;

  # The field of the manifest.
  field = {
    program = "${services.package}/bin/sops-key-services";
    # A name of ours, so that a variable of the host counts before it.
    environment = lib.mapAttrs (_: value: "${toString value}") named // {
      SOPS_CERT_FILE = "${services.certificateFile}";
    };
  }
  // lib.optionalAttrs (services.allowedEndpoints != [ ]) { inherit (services) allowedEndpoints; }
  // lib.optionalAttrs (services.addresses != [ ]) { inherit (services) addresses; }
  // lib.optionalAttrs (services.environmentFile != null) {
    environmentFile = toString services.environmentFile;
  }
  // lib.optionalAttrs (services.timeout != 10) { inherit (services) timeout; }
  // lib.optionalAttrs services.hideCredentials { inherit (services) hideCredentials; };
}
