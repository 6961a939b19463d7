-- Tables and alerts in the words of the glossary.

ALTER TABLE IF EXISTS letters RENAME TO dead_letters;
ALTER TABLE IF EXISTS letter_batches RENAME TO dead_letter_batches;
ALTER TABLE IF EXISTS letter_places RENAME TO dead_letter_places;
ALTER TABLE IF EXISTS alerts_told RENAME TO alert_notifications;
ALTER TABLE dead_letters RENAME COLUMN still TO replay_error;
ALTER TABLE alert_notifications RENAME COLUMN told_at TO notified_at;
ALTER TABLE alert_notifications RENAME COLUMN over_at TO recovery_at;
COMMENT ON TABLE alert_notifications IS 'Which route was notified of which alert.';
COMMENT ON COLUMN alert_notifications.notified_at IS 'Time of the last notification.';
COMMENT ON COLUMN alert_notifications.recovery_at IS 'Time of the notification that the alert is resolved.';

-- Their causes raise them again as `dead_letters:…`.
UPDATE alerts SET resolved_at = now() WHERE key LIKE 'letters:%' AND resolved_at IS NULL;
