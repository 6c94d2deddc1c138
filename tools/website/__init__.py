"""The course as a site of pages that need no server and no network: ``make site``."""
