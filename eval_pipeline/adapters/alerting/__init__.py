"""How a message leaves: Slack's format, a webhook of JSON, e-mail; and the record of what did."""
