-- name: save
INSERT INTO answers
    (tenant_id, answer_id, conversation_id, question, body, passages, cited_documents)
VALUES (%(tenant)s, %(answer_id)s, %(conversation_id)s, %(question)s, %(body)s, %(passages)s,
        %(cited_documents)s)

-- name: touch_conversation
UPDATE conversations SET updated_at = now() WHERE conversation_id = %(conversation_id)s

-- name: get
SELECT * FROM answers WHERE answer_id = %(answer_id)s

-- name: give_feedback
INSERT INTO feedback (tenant_id, answer_id, rating, comment)
SELECT tenant_id, answer_id, %(rating)s, %(comment)s FROM answers WHERE answer_id = %(answer_id)s
ON CONFLICT (tenant_id, answer_id)
DO UPDATE SET rating = excluded.rating, comment = excluded.comment, created_at = now()
RETURNING true

-- name: start_conversation
INSERT INTO conversations (tenant_id, conversation_id) VALUES (%(tenant)s, %(conversation_id)s)
RETURNING *

-- name: conversation
SELECT * FROM conversations WHERE conversation_id = %(conversation_id)s

-- name: turns
SELECT question, body ->> 'text' AS answer FROM (
    SELECT answer_id, question, body FROM answers
    WHERE conversation_id = %(conversation_id)s
    ORDER BY answer_id DESC
    LIMIT %(limit)s) latest
ORDER BY answer_id

-- name: conversations
SELECT * FROM conversations
WHERE %(before)s::text = '' OR conversation_id < %(before)s
ORDER BY conversation_id DESC
LIMIT %(limit)s

-- name: delete_conversation
DELETE FROM conversations WHERE conversation_id = %(conversation_id)s
