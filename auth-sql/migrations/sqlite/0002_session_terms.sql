-- What was settled when the session began, as JSON; NULL where that is nothing but the policy.
ALTER TABLE auth_sessions ADD COLUMN terms TEXT;
