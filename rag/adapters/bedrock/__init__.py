"""Models behind Amazon Bedrock."""
