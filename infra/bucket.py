"""The bucket that documents are dropped into: versioned, encrypted, TLS only."""

from aws_cdk import Duration, RemovalPolicy, aws_s3
from constructs import Construct

from infra.acknowledge import acknowledge

_KEPT_VERSIONS = Duration.days(30)


class DocumentBucket(Construct):
    """`cors_origins` may send presigned uploads from a browser, and read presigned downloads there."""

    def __init__(self, scope: Construct, id_: str, *, cors_origins: tuple[str, ...]) -> None:
        super().__init__(scope, id_)
        self.bucket = aws_s3.Bucket(
            self,
            "Documents",
            versioned=True,
            encryption=aws_s3.BucketEncryption.S3_MANAGED,
            block_public_access=aws_s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=aws_s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                aws_s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    noncurrent_version_expiration=_KEPT_VERSIONS,
                    expired_object_delete_marker=True,
                )
            ],
            cors=_browsers_of(cors_origins),
        )
        acknowledge(
            self.bucket,
            {
                "AwsSolutions-S1": "Server access logs are best effort and need a bucket of their own;"
                " who must know each access turns on CloudTrail data events for this one."
            },
        )


def _browsers_of(origins: tuple[str, ...]) -> list[aws_s3.CorsRule] | None:
    if not origins:
        return None
    uploads = aws_s3.CorsRule(
        allowed_origins=list(origins),
        allowed_methods=[aws_s3.HttpMethods.POST],
        allowed_headers=["content-type"],
        max_age=3600,
    )
    # After a redirect from another host a browser calls its origin `null`. The address is the credential:
    # whoever has it may read the object, and no origin makes it more.
    downloads = aws_s3.CorsRule(
        allowed_origins=["*"],
        allowed_methods=[aws_s3.HttpMethods.GET],
        exposed_headers=["Content-Disposition"],
        max_age=3600,
    )
    return [uploads, downloads]
