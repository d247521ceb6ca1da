"""Teams: what people do there comes in as activities, what we say goes out through the connector."""
