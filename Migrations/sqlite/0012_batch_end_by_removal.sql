-- A batch whose last unfinished file is taken from its knowledge base has ended, too.
CREATE TRIGGER batch_end_by_removal_is_told AFTER DELETE ON document
WHEN OLD.status = 'in_progress'
BEGIN
    INSERT INTO webhook_delivery (url, event, tenant_id, knowledge_base_id, batch_id, not_before, created_at)
    SELECT url, event, file_batch.tenant_id, file_batch.knowledge_base_id, file_batch.id, 0, 0
    FROM webhook_event
    CROSS JOIN file_batch_member AS member ON member.document_id = OLD.id
    CROSS JOIN file_batch ON file_batch.id = member.batch_id
    -- Where the whole knowledge base goes, its batches go with it.
    CROSS JOIN knowledge_base ON knowledge_base.id = file_batch.knowledge_base_id
    WHERE event = 'batch.completed' AND NOT EXISTS (
        SELECT 1 FROM file_batch_member AS other JOIN document ON document.id = other.document_id
        WHERE other.batch_id = file_batch.id AND document.status = 'in_progress'
    )
    GROUP BY url, file_batch.id;
END;
