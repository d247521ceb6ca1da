"""The Teams app package: what people install to have the bot in Teams."""
