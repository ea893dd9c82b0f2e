"""Refusals as the Graph API words them."""

from typing import Any

DETAILS_AT = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"
TITLES = {
    1: "An unknown error occurred",
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    130429: "Rate limit hit",
    130472: "User's number is part of an experiment",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131042: "Business eligibility payment issue",
    131047: "Re-engagement message",
    131049: "This message was not delivered to maintain healthy ecosystem engagement.",
    131050: "User has stopped receiving marketing messages",
    131051: "Unsupported message type",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132015: "Template is paused",
    132016: "Template is disabled",
}
STATUS = {1: 500, 190: 401, 130429: 429}


def title_of(code: int) -> str:
    return TITLES.get(code, "Something went wrong")


class GraphError(Exception):
    """A refusal in Meta's shape. `subcode` 33: there is no such object."""

    def __init__(self, code: int, details: str = "", *, subcode: int | None = None) -> None:
        super().__init__(details)
        self.code, self.details, self.subcode = code, details or title_of(code), subcode
        self.status = STATUS.get(code, 400)

    def body(self) -> dict[str, Any]:
        error = {
            "message": f"(#{self.code}) {title_of(self.code)}",
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": "simulado",
        }
        return {"error": error | ({"error_subcode": self.subcode} if self.subcode else {})}


def no_such_object(id: str) -> GraphError:
    return GraphError(100, f"Object with ID '{id}' does not exist", subcode=33)
