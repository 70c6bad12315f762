"""Perdure's dispatcher: claims ready runs, calls the app, hands the reply to SQL."""
