"""What an option adds to the template, and what it leaves out."""

from typing import Any

from infra.connections import PER_FUNCTION, plan_connections
from infra.settings import parse_settings
from tests.infra.combinations import MODEL
from tests.infra.conftest import Synthesized
from tests.infra.template import Template, listed, text

SHARD_MAPPING = "ParallelizationFactor"


def mappings(template: Template) -> tuple[list[Any], list[Any]]:
    """Event sources of queues, and of streams."""
    found = template.resources("AWS::Lambda::EventSourceMapping").values()
    streams = [mapping for mapping in found if SHARD_MAPPING in mapping]
    return [mapping for mapping in found if SHARD_MAPPING not in mapping], streams


def _service(endpoint: Any) -> str:
    return text(endpoint["ServiceName"]).split(".", 3)[-1]


def test_the_reference_has_no_way_out(reference: Template) -> None:
    assert reference.resources("AWS::EC2::NatGateway") == {}
    assert reference.resources("AWS::EC2::InternetGateway") == {}
    services = {_service(found) for found in reference.resources("AWS::EC2::VPCEndpoint").values()}
    assert services == {"s3", "bedrock-runtime"}


def test_event_sources_are_bounded_by_the_database(reference: Template) -> None:
    plan = plan_connections(parse_settings({}, origin="the test"))
    (queue,), (stream,) = mappings(reference)
    assert queue["ScalingConfig"] == {"MaximumConcurrency": plan.queue}
    assert reference.function("acervo-api")["ReservedConcurrentExecutions"] == plan.api
    group = reference.only("AWS::RDS::DBParameterGroup")
    assert group["Parameters"]["max_connections"] == str(plan.max_connections)
    for name in ("acervo-api", "acervo-ingestion"):
        assert reference.environment(name)["ACERVO_DATABASE_CONNECTIONS"] == str(PER_FUNCTION)
    assert queue["FunctionResponseTypes"] == stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_poisoned_record_does_not_hold_its_shard(reference: Template) -> None:
    _, (stream,) = mappings(reference)
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRetryAttempts"] == 5
    assert stream["MaximumRecordAgeInSeconds"] == 12 * 3600
    destination = stream["DestinationConfig"]["OnFailure"]["Destination"]
    assert "Failures" in text(destination)
    assert reference.allowed("acervo-ingestion", "sqs:SendMessage") == [text(destination)]


def test_notifications_reach_the_queue_and_failures_its_last_stop(reference: Template) -> None:
    wanted = reference.only("AWS::S3::Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    assert {found["Event"] for found in wanted} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
    queues = reference.resources("AWS::SQS::Queue")
    (name,) = {found["Queue"]["Fn::GetAtt"][0] for found in wanted}
    redrive = queues[name]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 5
    assert "DeadLetters" in text(redrive["deadLetterTargetArn"])
    timeout = reference.function("acervo-ingestion")["Timeout"]
    assert queues[name]["VisibilityTimeout"] >= 6 * timeout


def test_only_this_stacks_buckets_may_notify(reference: Template) -> None:
    statements = [
        statement
        for policy in reference.resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    (allowed,) = statements
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert text(allowed["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(":s3:::acervo-*")


def test_a_profile_is_called_through_itself(reference: Template) -> None:
    assert reference.allowed("acervo-api", "bedrock:InvokeModelWithResponseStream") == [
        "arn:<AWS::Partition>:bedrock:us-east-1:<AWS::AccountId>:inference-profile/us.anthropic.claude-haiku-5-5",
        "arn:<AWS::Partition>:bedrock:*::foundation-model/anthropic.claude-haiku-5-5",
    ]
    conditions = [
        found.get("Condition")
        for found in reference.statements("acervo-api")
        if "foundation-model/anthropic" in str(found["Resource"])
    ]
    (condition,) = conditions
    profile = condition["StringEquals"]["bedrock:InferenceProfileArn"]
    assert text(profile).endswith("inference-profile/us.anthropic.claude-haiku-5-5")


def test_functions_log_in_as_their_own_user(reference: Template) -> None:
    for name, user in (("ingestion", "service"), ("api", "service"), ("migration", "owner")):
        (arn,) = reference.allowed(f"acervo-{name}", "rds-db:connect")
        assert arn.endswith(f"/acervo_{user}")
        assert text(reference.environment(f"acervo-{name}")["DATABASE_URL"]).startswith(
            f"postgresql://acervo_{user}@"
        )


def test_ingestion_reads_and_the_api_writes(reference: Template) -> None:
    bucket = reference.allowed("acervo-api", "s3:ListBucket")[0]
    written = {action for action in _actions(reference, "acervo-api") if action.startswith("s3:")}
    assert written == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:PutObject",
        "s3:DeleteObject",
    }
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert reference.allowed("acervo-api", action) == [f"{bucket}/*"]
        assert reference.allowed("acervo-migration", action) == []
    assert reference.allowed("acervo-ingestion", "s3:PutObject") == [f"{bucket}/.acervo/work/*"]
    assert reference.allowed("acervo-ingestion", "s3:DeleteObject") == []
    assert f"{bucket}/*" in reference.allowed("acervo-ingestion", "s3:GetObject")
    assert reference.allowed("acervo-migration", "s3:GetObject") == []


def test_other_buckets_are_read_only(synthesized: Synthesized) -> None:
    template = synthesized("everything")
    for name in ("acervo-api", "acervo-ingestion"):
        others = [arn for arn in template.allowed(name, "s3:PutObject") if "other-documents" in arn]
        assert others == []


def test_the_schedule_sweeps_without_waking_a_pausing_database(
    reference: Template, synthesized: Synthesized
) -> None:
    for template, every in ((reference, "rate(5 minutes)"), (synthesized("aurora"), "rate(12 hours)")):
        rule = template.only("AWS::Events::Rule")
        assert (rule["ScheduleExpression"], rule["State"]) == (every, "ENABLED")
        (target,) = rule["Targets"]
        assert "Ingestion" in text(target["Arn"])
        assert "Input" not in target
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}
        (permission,) = [
            found
            for found in template.resources("AWS::Lambda::Permission").values()
            if found["Principal"] == "events.amazonaws.com"
        ]
        assert permission["FunctionName"] == target["Arn"]


def test_work_is_asked_for_without_another_endpoint(reference: Template) -> None:
    for name in ("acervo-api", "acervo-ingestion"):
        sends = [arn for arn in reference.allowed(name, "sqs:SendMessage") if "Failures" not in arn]
        assert sends == []


def test_browsers_may_upload_from_named_origins_only(reference: Template, synthesized: Synthesized) -> None:
    assert "CorsConfiguration" not in reference.only("AWS::S3::Bucket")
    rules = synthesized("streaming").only("AWS::S3::Bucket")["CorsConfiguration"]["CorsRules"]
    assert {method: rule["AllowedOrigins"] for rule in rules for method in rule["AllowedMethods"]} == {
        "POST": ["https://app.example.com"],
        "GET": ["*"],
    }


def _actions(template: Template, name: str) -> set[str]:
    allowing = [found for found in template.statements(name) if found["Effect"] == "Allow"]
    return {action for statement in allowing for action in listed(statement["Action"])}


def test_environment_is_that_of_the_settings(reference: Template) -> None:
    api, ingestion = reference.environment("acervo-api"), reference.environment("acervo-ingestion")
    assert api["ACERVO_GENERATION"] == "bedrock:us.anthropic.claude-haiku-5-5"
    assert api["ACERVO_EMBEDDING"] == ingestion["ACERVO_EMBEDDING"] == "bedrock:amazon.titan-embed-text-v2:0"
    assert "ACERVO_GENERATION" not in ingestion
    assert "ACERVO_GENERATION_FALLBACK" not in api


def test_the_http_api_ends_with_its_function(reference: Template) -> None:
    assert reference.function("acervo-api")["Timeout"] < 30
    assert reference.only("AWS::ApiGatewayV2::Stage")["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50
    assert reference.resources("AWS::ApiGateway::RestApi") == {}


def test_alarms_tell_somebody(reference: Template, synthesized: Synthesized) -> None:
    alarms = reference.resources("AWS::CloudWatch::Alarm").values()
    names = {alarm["AlarmName"].removeprefix("acervo-") for alarm in alarms}
    assert names >= {"DeadLetters", "OldestMessage", "ApiErrors", "IngestionErrors", "DatabaseConnections"}
    assert names >= {"DatabaseStorage", "StreamFailures", "StreamBehind"}
    assert all(alarm["AlarmActions"] and alarm["AlarmDescription"] for alarm in alarms)
    subscription = synthesized("everything").only("AWS::SNS::Subscription")
    assert subscription["Endpoint"] == "ops@example.com"


def test_alarms_may_publish(reference: Template) -> None:
    statements = reference.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"


def test_lambda_may_make_the_event_sources(reference: Template) -> None:
    for action in ("kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator"):
        assert reference.allowed("acervo-ingestion", action)
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        assert any("Documents" in arn for arn in reference.allowed("acervo-ingestion", action))


def test_an_endpoint_costs_in_as_many_zones_as_were_asked_for(
    reference: Template, synthesized: Synthesized
) -> None:
    for template, zones in ((reference, 1), (synthesized("everything"), 2)):
        found = template.resources("AWS::EC2::VPCEndpoint").values()
        for endpoint in (found for found in found if found["VpcEndpointType"] == "Interface"):
            assert len(endpoint["SubnetIds"]) == zones


def test_outputs_are_the_first_commands(reference: Template) -> None:
    outputs = reference.content["Outputs"]
    assert text(outputs["FirstDocument"]["Value"]).startswith("aws s3 cp ")
    assert {"Url", "Bucket", "QueueUrl", "DeadLetterQueueUrl", "StreamName"} <= set(outputs)


def test_aurora_pauses_and_the_stream_can_be_left_out(synthesized: Synthesized) -> None:
    template = synthesized("aurora")
    scaling = template.only("AWS::RDS::DBCluster")["ServerlessV2ScalingConfiguration"]
    assert scaling["MinCapacity"] == 0
    assert scaling["SecondsUntilAutoPause"] == 600
    assert template.resources("AWS::Kinesis::Stream") == {}
    assert mappings(template)[1] == []
    assert "StreamName" not in template.content["Outputs"]


def test_nat_replaces_the_interface_endpoints(synthesized: Synthesized) -> None:
    template = synthesized("nat")
    assert len(template.resources("AWS::EC2::NatGateway")) == 1
    services = {_service(found) for found in template.resources("AWS::EC2::VPCEndpoint").values()}
    assert services == {"s3"}
    assert template.environment("acervo-api")["ACERVO_JWT_ISSUER"] == "https://id.example.com"


def test_streaming_goes_through_the_web_adapter(synthesized: Synthesized) -> None:
    template = synthesized("streaming")
    function = template.function("acervo-api")
    assert function["Handler"] == "run.sh"
    assert text(function["Layers"][0]).endswith(":753240598075:layer:LambdaAdapterLayerArm64:27")
    variables = template.environment("acervo-api")
    assert variables["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert variables["AWS_LWA_INVOKE_MODE"] == "response_stream"
    assert variables["ACERVO_CORS_ORIGINS"] == "https://app.example.com"
    for method in template.resources("AWS::ApiGateway::Method").values():
        integration = method["Integration"]
        assert integration["ResponseTransferMode"] == "STREAM"
        assert text(integration["Uri"]).endswith("/response-streaming-invocations")
    assert template.resources("AWS::ApiGatewayV2::Api") == {}


def test_inferentia_scales_to_zero_and_bedrock_stands_in(synthesized: Synthesized) -> None:
    template = synthesized("inferentia2")
    container = template.only("AWS::SageMaker::Model")["PrimaryContainer"]
    assert text(container["Image"]) == (
        "763104351884.dkr.ecr.us-east-1.<AWS::URLSuffix>/huggingface-vllm-inference-neuronx:"
        "0.11.0-optimum0.4.5-neuronx-py310-sdk2.26.1-ubuntu22.04"
    )
    assert container["Environment"] == {"SM_ON_MODEL": MODEL, "SM_ON_BATCH_SIZE": "4"}
    (variant,) = template.only("AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert variant["InstanceType"] == "ml.inf2.xlarge"
    assert variant["ManagedInstanceScaling"]["MinInstanceCount"] == 0
    assert template.only("AWS::ApplicationAutoScaling::ScalableTarget")["MinCapacity"] == 0
    policies = template.resources("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    assert {policy["PolicyType"] for policy in policies} == {"TargetTrackingScaling", "StepScaling"}
    variables = template.environment("acervo-api")
    assert variables["ACERVO_GENERATION"] == f"sagemaker:acervo-generation/acervo-generation-model#{MODEL}"
    assert variables["ACERVO_GENERATION_FALLBACK"] == "bedrock:us.anthropic.claude-haiku-5-5"
    allowed = template.allowed("acervo-api", "sagemaker:InvokeEndpointWithResponseStream")
    assert [arn.rpartition(":")[2] for arn in allowed] == [
        "endpoint/acervo-generation",
        "inference-component/acervo-generation-model",
    ]
    assert template.allowed("acervo-ingestion", "sagemaker:InvokeEndpoint") == []


def test_a_gpu_that_stays_up_has_no_alarm_to_wake_it(synthesized: Synthesized) -> None:
    template = synthesized("gpu")
    container = template.only("AWS::SageMaker::Model")["PrimaryContainer"]
    assert container["Environment"] == {"SM_VLLM_MODEL": MODEL, "SM_VLLM_MAX_NUM_SEQS": "4"}
    policy = template.only("AWS::ApplicationAutoScaling::ScalingPolicy")
    assert policy["PolicyType"] == "TargetTrackingScaling"


def test_everything_is_allowed_what_it_configures(synthesized: Synthesized) -> None:
    template = synthesized("everything")
    assert template.allowed("acervo-api", "bedrock:Rerank") == ["*"]
    assert template.allowed("acervo-api", "bedrock:InvokeGuardrailChecks") == ["*"]
    (guardrail,) = template.allowed("acervo-api", "bedrock:ApplyGuardrail")
    assert guardrail.endswith(":guardrail/abc123")
    vectors = template.allowed("acervo-ingestion", "sagemaker:InvokeEndpoint")
    assert [arn.rpartition(":")[2] for arn in vectors] == ["endpoint/vectors", "inference-component/bge-m3"]
    assert "arn:<AWS::Partition>:s3:::other-documents/*" in template.allowed(
        "acervo-ingestion", "s3:GetObject"
    )
    assert template.environment("acervo-ingestion")["ACERVO_MAX_DOCUMENT_BYTES"] == "1000000"
    _, (stream,) = mappings(template)
    assert stream["ParallelizationFactor"] == 2


def test_scans_go_to_textract_by_an_endpoint_of_its_own(
    reference: Template, synthesized: Synthesized
) -> None:
    assert "ACERVO_OCR" not in reference.environment("acervo-ingestion")
    assert reference.allowed("acervo-ingestion", "textract:DetectDocumentText") == []
    template = synthesized("everything")
    variables = template.environment("acervo-ingestion")
    assert (variables["ACERVO_OCR"], variables["ACERVO_OCR_MAX_PAGES"]) == ("textract", "150")
    assert "ACERVO_OCR" not in template.environment("acervo-api")
    assert template.allowed("acervo-ingestion", "textract:DetectDocumentText") == ["*"]
    assert template.allowed("acervo-api", "textract:DetectDocumentText") == []
    (endpoint,) = [
        found
        for found in template.resources("AWS::EC2::VPCEndpoint").values()
        if _service(found) == "textract"
    ]
    (statement,) = endpoint["PolicyDocument"]["Statement"]
    assert statement["Action"] == "textract:*"
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}


def test_both_flows_may_embed_with_further_models(synthesized: Synthesized) -> None:
    template = synthesized("everything")
    for name in ("acervo-api", "acervo-ingestion"):
        others = template.environment(name)["ACERVO_EMBEDDING_OTHERS"]
        assert others == "bedrock:cohere.embed-v4:0@512 bedrock:amazon.titan-embed-text-v2:0"
        allowed = " ".join(template.allowed(name, "bedrock:InvokeModel"))
        assert "foundation-model/cohere.embed-v4:0" in allowed
        assert "foundation-model/amazon.titan-embed-text-v2:0" in allowed


def test_the_gateway_lets_named_buckets_through_only(synthesized: Synthesized) -> None:
    template = synthesized("everything")
    gateway = next(
        found
        for found in template.resources("AWS::EC2::VPCEndpoint").values()
        if found["VpcEndpointType"] == "Gateway"
    )
    (statement,) = gateway["PolicyDocument"]["Statement"]
    named = {text(resource) for resource in statement["Resource"]}
    assert "arn:<AWS::Partition>:s3:::other-documents/*" in named
    assert not {"*", "arn:aws:s3:::*"} & named
