"""The world outside on this machine: issuers, Teams, Graph and a sample tenant, with real protocols and signatures."""
