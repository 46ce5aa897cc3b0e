module llm-router.test/pause

go 1.25.0
