"""Who may tell `pp serve` what became of messages, as a merchant's file declares it (docs/serving.md)."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from pp_pipeline.roads import Name, SecretName, url_parts


class InboundWebhook(BaseModel, frozen=True, extra="forbid"):
    """One who may, and in which form."""

    source: Name = Field(description="its name: the last part of the address that it posts to")
    secret: SecretName = Field(repr=False, description="NAME of the variable PP_SECRET_NAME that holds its secret")
    format: Literal["plain", "postmark", "sendgrid", "sms", "twilio"] = Field(
        default="plain", description="of what it posts"
    )
    proof: Literal["signature", "password"] = Field(
        default="signature",
        description="signature: PP-Signature, or the provider's own; password: HTTP Basic, for who can't sign",
    )
    url: str = Field(default="", description="of twilio's signature: the address that it posts to, as it stands there")

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if self.format != "twilio" or self.proof == "password":
            if self.url:
                raise ValueError("url is only of use for the signature of format: twilio; leave it out")
        elif not self.url:
            raise ValueError("url is missing; write the address that the provider posts to, which it signs")
        elif url_parts(self.url).scheme != "https":
            raise ValueError("url has to begin with https://")
        return self
