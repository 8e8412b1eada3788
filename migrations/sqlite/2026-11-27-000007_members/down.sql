DROP TABLE space_members;
DROP INDEX spaces_for_members;
DROP INDEX users_by_email;
DROP INDEX users_by_subject;
DROP INDEX users_of_organization;
ALTER TABLE spaces DROP COLUMN visibility;
