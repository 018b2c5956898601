//! Behaviours of a Route Server instance, tried with NVAs that are speakers themselves.
