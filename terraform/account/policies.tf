# What the workflows' roles may do, written out. Everything is limited to names that begin with the project's, or to its tag, where
# AWS can do so. Where it cannot, a comment says why.

locals {
  prefix = "${local.project}-"
  arn = {
    for service in ["cloudwatch", "codedeploy", "dynamodb", "execute-api", "kms", "lambda", "logs", "ses", "sns"] :
    service => "arn:aws:${service}:${var.region}:${local.account_id}"
  }
  iam     = "arn:aws:iam::${local.account_id}"
  gateway = "arn:aws:apigateway:${var.region}::"

  functions = ["${local.arn.lambda}:function:${local.prefix}*", "${local.arn.lambda}:layer:${local.prefix}*"]
  tables    = ["${local.arn.dynamodb}:table/${local.prefix}*"]
  # The smoke test of a preview makes the people that it logs in as.
  preview_people = ["${local.arn.dynamodb}:table/${local.prefix}preview-*-auth"]
  # Account and region at the end keep the bucket of the states out.
  buckets         = ["arn:aws:s3:::${local.prefix}*-files-${local.account_id}-${var.region}"]
  files           = [for bucket in local.buckets : "${bucket}/*"]
  preview_buckets = ["arn:aws:s3:::${local.prefix}preview-*-files-${local.account_id}-${var.region}"]
  # A domain is called as people call it, so an identity cannot be limited to a project by its name.
  mail_identities = ["${local.arn.ses}:identity/*"]
  mail_sets       = ["${local.arn.ses}:configuration-set/${local.prefix}*"]
  # A plan has an id of its own; the provider tags it with the project.
  scan_plans = ["arn:aws:guardduty:${var.region}:${local.account_id}:malware-protection-plan/*"]
  env_roles  = "${local.iam}:role/${local.prefix}*"
  log_groups = [for group in ["/aws/lambda/${local.prefix}", "/aws/apigateway/${local.prefix}", "/aws/vendedlogs/apigateway/${local.prefix}"] : "${local.arn.logs}:log-group:${group}*"]
  alarms     = ["${local.arn.cloudwatch}:alarm:${local.prefix}*"]
  # Dashboards have no region.
  dashboards = ["arn:aws:cloudwatch::${local.account_id}:dashboard/${local.prefix}*"]
  topics     = ["${local.arn.sns}:${local.prefix}*"]
  rollouts   = ["${local.arn.codedeploy}:application:${local.prefix}*", "${local.arn.codedeploy}:deploymentgroup:${local.prefix}*", "${local.arn.codedeploy}:deploymentconfig:${local.prefix}*"]
  keys       = ["${local.arn.kms}:key/*"]
  aliases    = ["${local.arn.kms}:alias/${local.prefix}*"]
  # API Gateway gives ids, not names: a path cannot be limited to a project.
  apis = [for path in ["/apis", "/apis/*", "/domainnames", "/domainnames/*", "/tags/*"] : "${local.gateway}${path}"]
  # A key has an id as well; the provider tags it with the project.
  of_project = { StringEquals = { "aws:ResourceTag/Project" = local.project } }

  state_arn = "arn:aws:s3:::${local.state_bucket}"
  states    = ["${local.state_arn}/${local.project}/*/terraform.tfstate"]
  locks     = ["${local.state_arn}/${local.project}/*/terraform.tfstate.tflock"]

  # What a plan, and make preflight, read.
  read_statements = [
    { Sid = "ReadFunctions", Effect = "Allow", Resource = local.functions, Action = [
      "lambda:GetAlias", "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConcurrency", "lambda:GetFunctionConfiguration",
      "lambda:GetLayerVersion", "lambda:GetPolicy", "lambda:GetProvisionedConcurrencyConfig", "lambda:GetRuntimeManagementConfig", "lambda:ListAliases", "lambda:ListTags", "lambda:ListVersionsByFunction",
    ] },
    { Sid = "ReadTables", Effect = "Allow", Resource = local.tables, Action = [
      "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource",
    ] },
    { Sid = "ReadRoles", Effect = "Allow", Resource = [local.env_roles, "${local.iam}:policy${local.path}${local.project}-boundary"], Action = [
      "iam:GetPolicy", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoleTags",
    ] },
    { Sid = "ReadKeys", Effect = "Allow", Resource = local.keys, Condition = local.of_project, Action = [
      "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:GetPublicKey", "kms:ListResourceTags",
    ] },
    { Sid = "ReadApis", Effect = "Allow", Resource = concat(local.apis, ["${local.gateway}/account"]), Action = ["apigateway:GET"] },
    { Sid = "ReadLogGroups", Effect = "Allow", Resource = local.log_groups, Action = ["logs:DescribeMetricFilters", "logs:ListTagsForResource", "logs:ListTagsLogGroup"] },
    { Sid = "ReadAlarms", Effect = "Allow", Resource = concat(local.alarms, local.dashboards), Action = ["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"] },
    { Sid = "ReadTopics", Effect = "Allow", Resource = local.topics, Action = [
      "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource",
    ] },
    { Sid = "ReadRollouts", Effect = "Allow", Resource = local.rollouts, Action = [
      "codedeploy:GetApplication", "codedeploy:GetApplicationRevision", "codedeploy:GetDeployment", "codedeploy:GetDeploymentConfig", "codedeploy:GetDeploymentGroup", "codedeploy:ListDeployments", "codedeploy:ListTagsForResource",
    ] },
    { Sid = "ReadBuckets", Effect = "Allow", Resource = local.buckets, Action = [
      "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLocation", "s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketOwnershipControls", "s3:GetBucketPolicy",
      "s3:GetBucketPublicAccessBlock", "s3:GetBucketRequestPayment", "s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration", "s3:ListBucket",
    ] },
    { Sid = "ReadMail", Effect = "Allow", Resource = concat(local.mail_identities, local.mail_sets), Action = ["ses:GetConfigurationSet", "ses:GetEmailIdentity", "ses:ListTagsForResource"] },
    { Sid = "ReadScans", Effect = "Allow", Resource = local.scan_plans, Action = ["guardduty:GetMalwareProtectionPlan", "guardduty:ListTagsForResource"] },
    # These lists and settings belong to no resource.
    { Sid = "ReadAccount", Effect = "Allow", Resource = ["*"], Action = [
      "cloudfront:GetCachePolicy", "cloudfront:GetDistribution", "cloudfront:GetOriginRequestPolicy", "cloudfront:ListCachePolicies", "cloudfront:ListOriginRequestPolicies", "cloudfront:ListTagsForResource",
      "cloudwatch:DescribeAlarms", "kms:ListAliases", "lambda:GetAccountSettings", "lambda:ListLayerVersions", "logs:DescribeLogGroups", "ses:GetAccount",
    ] },
    { Sid = "ListStates", Effect = "Allow", Resource = [local.state_arn], Action = ["s3:ListBucket"] },
    { Sid = "ReadStates", Effect = "Allow", Resource = local.states, Action = ["s3:GetObject"] },
  ]

  # What a deployment changes: what runs and what it stores, with the roles and keys of both.
  core_statements = [
    { Sid = "Functions", Effect = "Allow", Resource = local.functions, Action = [
      "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias", "lambda:DeleteFunction", "lambda:DeleteFunctionConcurrency", "lambda:DeleteLayerVersion",
      "lambda:DeleteProvisionedConcurrencyConfig", "lambda:PublishLayerVersion", "lambda:PublishVersion", "lambda:PutFunctionConcurrency", "lambda:PutProvisionedConcurrencyConfig", "lambda:RemovePermission",
      "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
    ] },
    { Sid = "Tables", Effect = "Allow", Resource = local.tables, Action = [
      "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:TagResource", "dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
    ] },
    { Sid = "Roles", Effect = "Allow", Resource = [local.env_roles], Action = [
      "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
    ] },
    merge(
      { Sid = "Permissions", Effect = "Allow", Resource = [local.env_roles], Action = ["iam:CreateRole", "iam:PutRolePolicy"] },
      var.boundary_required ? local.with_boundary : {},
    ),
    merge({ Sid = "Boundary", Effect = "Allow", Resource = [local.env_roles], Action = ["iam:PutRolePermissionsBoundary"] }, local.with_boundary),
    { Sid = "PassRoles", Effect = "Allow", Resource = [local.env_roles], Action = ["iam:PassRole"], Condition = {
      StringEquals = { "iam:PassedToService" = ["codedeploy.amazonaws.com", "lambda.amazonaws.com", "malware-protection-plan.guardduty.amazonaws.com"] }
    } },
    { Sid = "CustomDomains", Effect = "Allow", Resource = ["${local.iam}:role/aws-service-role/ops.apigateway.amazonaws.com/*"], Action = ["iam:CreateServiceLinkedRole"], Condition = {
      StringEquals = { "iam:AWSServiceName" = "ops.apigateway.amazonaws.com" }
    } },
    # A new key has no ARN before it exists: the tag that it is made with counts.
    { Sid = "NewKeys", Effect = "Allow", Resource = ["*"], Action = ["kms:CreateKey"], Condition = { StringEquals = { "aws:RequestTag/Project" = local.project } } },
    # A key is tagged when it is made, so it has no tag yet. A key with another project's tag is out of reach.
    { Sid = "TagKeys", Effect = "Allow", Resource = local.keys, Action = ["kms:TagResource"], Condition = {
      StringEquals = { "aws:RequestTag/Project" = local.project }, StringEqualsIfExists = local.of_project.StringEquals
    } },
    { Sid = "Keys", Effect = "Allow", Resource = local.keys, Condition = local.of_project, Action = [
      "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DisableKey", "kms:EnableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ] },
    { Sid = "KeyAliases", Effect = "Allow", Resource = local.aliases, Action = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"] },
    # A table with a key of one's own (kms_key_arn): DynamoDB asks for a grant in the name of the principal that makes the table.
    merge({ Sid = "TableEncryption", Effect = "Allow", Resource = local.keys, Action = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"] }, local.by_tables),
  ]

  # APIs, logs, alarms, CloudFront, CodeDeploy and the states.
  access_statements = [
    { Sid = "Apis", Effect = "Allow", Resource = local.apis, Action = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"] },
    { Sid = "LogGroups", Effect = "Allow", Resource = local.log_groups, Action = [
      "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteMetricFilter", "logs:DeleteRetentionPolicy", "logs:DisassociateKmsKey", "logs:PutMetricFilter", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
    ] },
    # API Gateway sets up the delivery of access logs in the name of the principal that makes the stage. AWS limits these to no resource.
    { Sid = "AccessLogs", Effect = "Allow", Resource = ["*"], Action = [
      "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    ] },
    { Sid = "Alarms", Effect = "Allow", Resource = concat(local.alarms, local.dashboards), Action = [
      "cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource",
    ] },
    { Sid = "Topics", Effect = "Allow", Resource = local.topics, Action = [
      "sns:CreateTopic", "sns:DeleteTopic", "sns:SetSubscriptionAttributes", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:Unsubscribe", "sns:UntagResource",
    ] },
    { Sid = "PeopleOfPreviews", Effect = "Allow", Resource = local.preview_people, Action = ["dynamodb:PutItem", "dynamodb:UpdateItem"] },
    { Sid = "Distributions", Effect = "Allow", Resource = ["arn:aws:cloudfront::${local.account_id}:distribution/*"], Action = [
      "cloudfront:CreateDistribution", "cloudfront:DeleteDistribution", "cloudfront:TagResource", "cloudfront:UntagResource", "cloudfront:UpdateDistribution",
    ] },
    { Sid = "Rollouts", Effect = "Allow", Resource = local.rollouts, Action = [
      "codedeploy:CreateApplication", "codedeploy:CreateDeployment", "codedeploy:CreateDeploymentConfig", "codedeploy:CreateDeploymentGroup", "codedeploy:DeleteApplication", "codedeploy:DeleteDeploymentConfig", "codedeploy:DeleteDeploymentGroup", "codedeploy:RegisterApplicationRevision",
      "codedeploy:StopDeployment", "codedeploy:TagResource", "codedeploy:UntagResource", "codedeploy:UpdateApplication", "codedeploy:UpdateDeploymentGroup",
    ] },
    { Sid = "WriteStates", Effect = "Allow", Resource = concat(local.states, local.locks), Action = ["s3:GetObject", "s3:PutObject"] },
    # A preview takes its state with it.
    { Sid = "Unlock", Effect = "Allow", Resource = concat(local.locks, ["${local.state_arn}/${local.project}/preview-*/terraform.tfstate"]), Action = ["s3:DeleteObject"] },
  ]

  # Buckets with their settings, mail, the scan of files.
  files_statements = [
    { Sid = "Buckets", Effect = "Allow", Resource = local.buckets, Action = [
      "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketCORS", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
    ] },
    # A preview takes its files with it. What else has files in it is emptied by an administrator.
    { Sid = "EmptyPreviews", Effect = "Allow", Resource = local.preview_buckets, Action = ["s3:ListBucketVersions"] },
    { Sid = "FilesOfPreviews", Effect = "Allow", Resource = [for bucket in local.preview_buckets : "${bucket}/*"], Action = ["s3:DeleteObject", "s3:DeleteObjectVersion"] },
    { Sid = "MailIdentities", Effect = "Allow", Resource = local.mail_identities, Action = ["ses:CreateEmailIdentity", "ses:TagResource"], Condition = { StringEquals = { "aws:RequestTag/Project" = local.project } } },
    { Sid = "MailIdentitiesOfProject", Effect = "Allow", Resource = local.mail_identities, Condition = local.of_project, Action = [
      "ses:DeleteEmailIdentity", "ses:PutEmailIdentityDkimAttributes", "ses:PutEmailIdentityDkimSigningAttributes", "ses:UntagResource",
    ] },
    { Sid = "MailSets", Effect = "Allow", Resource = local.mail_sets, Action = [
      "ses:CreateConfigurationSet", "ses:DeleteConfigurationSet", "ses:PutConfigurationSetDeliveryOptions", "ses:PutConfigurationSetReputationOptions", "ses:PutConfigurationSetSendingOptions", "ses:PutConfigurationSetSuppressionOptions",
      "ses:TagResource", "ses:UntagResource",
    ] },
    # A new plan has no ARN before it exists.
    { Sid = "NewScans", Effect = "Allow", Resource = ["*"], Action = ["guardduty:CreateMalwareProtectionPlan"], Condition = { StringEquals = { "aws:RequestTag/Project" = local.project } } },
    { Sid = "TagScans", Effect = "Allow", Resource = local.scan_plans, Action = ["guardduty:TagResource"], Condition = {
      StringEquals = { "aws:RequestTag/Project" = local.project }, StringEqualsIfExists = local.of_project.StringEquals
    } },
    { Sid = "Scans", Effect = "Allow", Resource = local.scan_plans, Condition = local.of_project, Action = ["guardduty:DeleteMalwareProtectionPlan", "guardduty:UntagResource", "guardduty:UpdateMalwareProtectionPlan"] },
  ]

  by_tables     = { Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${var.region}.amazonaws.com" } } }
  with_boundary = { Condition = { StringEquals = { "iam:PermissionsBoundary" = "${local.iam}:policy${local.path}${local.project}-boundary" } } }

  # Whatever else allows it, such as a key's own policy: a workflow neither signs tokens nor reads or writes items, and the account root
  # stays out of its reach. It writes the test people of previews alone.
  deny_statements = [
    { Sid = "NeverSign", Effect = "Deny", Resource = ["*"], Action = ["kms:Sign"] },
    { Sid = "NeverReadItems", Effect = "Deny", Resource = ["*"], Action = [
      "dynamodb:BatchGetItem", "dynamodb:ExportTableToPointInTime", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:PartiQL*", "dynamodb:Query", "dynamodb:Scan",
    ] },
    { Sid = "NeverWriteItems", Effect = "Deny", NotResource = local.preview_people, Action = [
      "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
    ] },
    { Sid = "NeverReadOrWriteFiles", Effect = "Deny", Resource = local.files, Action = ["s3:GetObject*", "s3:PutObject*", "s3:RestoreObject"] },
    { Sid = "NeverSendMail", Effect = "Deny", Resource = ["*"], Action = ["ses:Send*"] },
    { Sid = "NeverTheAccountState", Effect = "Deny", Resource = ["${local.state_arn}/${local.project}/account/*"], Action = ["s3:*"] },
    { Sid = "NeverTheAccountRoles", Effect = "Deny", Resource = ["${local.iam}:role${local.path}*", "${local.iam}:policy${local.path}*"], Action = [
      "iam:Add*", "iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:PassRole", "iam:Put*", "iam:Set*", "iam:Tag*", "iam:Untag*", "iam:Update*",
    ] },
  ]

  # AWS takes 6,144 characters for a policy: these are four. Both roles have the first.
  read_policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.read_statements, local.deny_statements) })
  deploy_policies = {
    core   = jsonencode({ Version = "2012-10-17", Statement = local.core_statements })
    access = jsonencode({ Version = "2012-10-17", Statement = local.access_statements })
    files  = jsonencode({ Version = "2012-10-17", Statement = local.files_statements })
  }

  boundary_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Sid = "Tables", Effect = "Allow", Resource = local.tables, Action = [
      "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
    ] },
    { Sid = "Files", Effect = "Allow", Resource = local.files, Action = ["s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject"] },
    # A sender's domain is of no project by its name: the functions' own policies name it.
    { Sid = "Mail", Effect = "Allow", Resource = concat(local.mail_identities, local.mail_sets), Action = ["ses:SendEmail"] },
    # The role of the malware scan: it tags files, and listens to the bucket by a rule that GuardDuty manages.
    { Sid = "ScanFiles", Effect = "Allow", Resource = local.files, Action = ["s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"] },
    { Sid = "ScanBuckets", Effect = "Allow", Resource = local.buckets, Action = ["s3:GetBucketNotification", "s3:ListBucket", "s3:PutBucketNotification"] },
    { Sid = "ScanRules", Effect = "Allow", Resource = ["arn:aws:events:${var.region}:${local.account_id}:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"], Action = [
      "events:DeleteRule", "events:DescribeRule", "events:ListTargetsByRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets",
    ] },
    { Sid = "FileEncryption", Effect = "Allow", Resource = local.keys, Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }, Action = ["kms:Decrypt", "kms:GenerateDataKey"] },
    { Sid = "Connections", Effect = "Allow", Resource = ["${local.arn["execute-api"]}:*"], Action = ["execute-api:ManageConnections"] },
    { Sid = "Sign", Effect = "Allow", Resource = local.keys, Condition = local.of_project, Action = ["kms:Sign"] },
    merge({ Sid = "TableEncryption", Effect = "Allow", Resource = local.keys, Action = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"] }, local.by_tables),
    { Sid = "Logs", Effect = "Allow", Resource = local.log_groups, Action = ["logs:CreateLogStream", "logs:PutLogEvents"] },
    # X-Ray knows no resources.
    { Sid = "Traces", Effect = "Allow", Resource = ["*"], Action = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"] },
    # CodeDeploy's role moves aliases and looks at alarms.
    { Sid = "Aliases", Effect = "Allow", Resource = local.functions, Action = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"] },
    { Sid = "Alarms", Effect = "Allow", Resource = ["*"], Action = ["cloudwatch:DescribeAlarms"] },
  ] })
}
