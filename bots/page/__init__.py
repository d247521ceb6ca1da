"""The page of a request: shown, decided on and its files fetched, in any browser and without JavaScript."""
