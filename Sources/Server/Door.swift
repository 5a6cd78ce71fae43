package import Hummingbird
package import Knowledge
package import Logging
package import Service

/// Everything that the routes need, put together by whoever starts the server.
package struct Door: Sendable {
    package var keys: Keys
    package var usage: UsageLedger
    package var files: any FileStore
    package var bases: any KnowledgeBaseStore
    package var documents: any DocumentStore
    package var experts: any ExpertStore
    package var uploads: any PartedUploadStore
    package var jobs: JobDesk
    package var batches: FileBatches
    package var requestBatches: RequestBatches
    package var embedders: Embedders
    package var answer: AnswerQuestion
    package var responses: any ResponseStore
    package var models: ListModels
    package var create: CreateKnowledgeBase
    package var change: ChangeSettings
    package var remove: RemoveKnowledgeBase
    package var attach: AttachFile
    package var put: PutDocument
    package var search: SearchPassages
    package var moderate: Moderate
    package var stops: StopSwitch
    package var streams = StreamHabits()
    /// Origins whose pages may use the API from a browser.
    package var corsOrigins: Set<String> = []
    /// How much a key may ask of the models; nil: as much as it likes.
    package var rateLimits: RateLimits?
    /// Largest upload.
    package var uploadLimitBytes: Int
    /// Where the OpenAI surface is mounted beside the usual places.
    package var extraPrefixes: [String]
    package var checkReadiness: @Sendable () async throws -> Void
    /// What `/metrics` tells of the store.
    package var figures: @Sendable () async throws -> StoreFigures = { StoreFigures() }

    package init(
        keys: Keys, usage: UsageLedger, files: any FileStore, bases: any KnowledgeBaseStore, documents: any DocumentStore,
        experts: any ExpertStore, uploads: any PartedUploadStore, jobs: JobDesk, batches: FileBatches,
        requestBatches: RequestBatches,
        embedders: Embedders, answer: AnswerQuestion, responses: any ResponseStore, models: ListModels,
        create: CreateKnowledgeBase, change: ChangeSettings, remove: RemoveKnowledgeBase, attach: AttachFile,
        put: PutDocument, search: SearchPassages, moderate: Moderate, stops: StopSwitch, uploadLimitBytes: Int,
        extraPrefixes: [String], checkReadiness: @escaping @Sendable () async throws -> Void
    ) {
        self.keys = keys
        self.usage = usage
        self.files = files
        self.bases = bases
        self.documents = documents
        self.experts = experts
        self.uploads = uploads
        self.jobs = jobs
        self.batches = batches
        self.requestBatches = requestBatches
        self.embedders = embedders
        self.answer = answer
        self.responses = responses
        self.models = models
        self.create = create
        self.change = change
        self.remove = remove
        self.attach = attach
        self.put = put
        self.search = search
        self.moderate = moderate
        self.stops = stops
        self.uploadLimitBytes = uploadLimitBytes
        self.extraPrefixes = extraPrefixes
        self.checkReadiness = checkReadiness
    }

    /// Where OpenAI's clients, and those of the services that imitate it, look for the API.
    static let prefixes = ["", "v1", "v2", "vision", "oai", "api/v1", "api/v1/oai"]

    /// All routes behind the middleware that every request passes, and a refusal for each method that is none of them.
    package func router() -> Router<AppContext> {
        let router = describedRouter()
        router.refuseOtherMethods()
        return router
    }

    /// The routes that `openapi.json` describes.
    func describedRouter() -> Router<AppContext> {
        let router = Router(context: AppContext.self, options: .autoGenerateHeadEndpoints)
        let requests = RequestMetrics()
        if !corsOrigins.isEmpty { router.add(middleware: CrossOrigin(origins: corsOrigins)) }
        router.add(middleware: AnswerEveryRequest(metrics: requests))
        router.add(middleware: Authenticate(keys: keys))
        if let rateLimits { router.add(middleware: LimitRate(limits: rateLimits)) }
        OperationRoutes(
            checkReadiness: checkReadiness, figures: figures, embedders: embedders, requests: requests, keys: keys
        ).add(to: router)
        ConsoleRoutes().add(to: router)
        let receive = ReceiveUpload(files: files, limitBytes: uploadLimitBytes)
        let extra = extraPrefixes.map { $0.split(separator: "/").joined(separator: "/") }
        for prefix in Self.prefixes + Set(extra).subtracting(Self.prefixes).sorted() {
            addOpenAI(to: router.group(RouterPath(prefix)), receive)
        }
        addAlan(to: router.group("api/v1"), receive)
        return router
    }

    private func addOpenAI(to group: RouterGroup<AppContext>, _ receive: ReceiveUpload) {
        addModels(to: group)
        BatchRoutes(batches: requestBatches).add(to: group)
        EngineRoutes(
            models: models, completions: CompletionRoutes(answer: answer, embedders: embedders, streams: streams),
            embeddings: EmbeddingRoutes(embedders: embedders, usage: usage, workers: answer.workers)
        ).add(to: group)
        InternalRoutes(answer: answer, models: models, embedders: embedders, stops: stops).add(to: group)
        RefusedRoutes().add(to: group)
        ModelRoutes(models: models).add(to: group)
        FileRoutes(files: files, receive: receive).add(to: group)
        UploadRoutes(uploads: uploads, files: files, limitBytes: uploadLimitBytes).add(to: group)
        VectorStoreRoutes(
            bases: bases, files: files, create: create, change: change, remove: remove, attach: attach, search: search
        ).add(to: group)
        VectorStoreFileRoutes(documents: documents, attach: attach).add(to: group)
        FileBatchRoutes(batches: batches).add(to: group)
    }

    /// What a request may ask of a model, by itself or as a line of a batch.
    private func addModels(to group: RouterGroup<AppContext>) {
        ChatRoutes(answer: answer, streams: streams).add(to: group)
        CompletionRoutes(answer: answer, embedders: embedders, streams: streams).add(to: group)
        ResponseRoutes(answer: answer, responses: responses, streams: streams).add(to: group)
        EmbeddingRoutes(embedders: embedders, usage: usage, workers: answer.workers).add(to: group)
        ModerationRoutes(moderate: moderate, usage: usage).add(to: group)
    }

    /// Answers requests inside the process by the same routes.
    package func performer(logger: Logger) -> some RequestPerformer {
        let router = Router(context: AppContext.self)
        router.add(middleware: AnswerEveryRequest())
        addModels(to: router.group("v1"))
        return PerformRequest(responder: router.buildResponder(), logger: logger)
    }

    private func addAlan(to group: RouterGroup<AppContext>, _ receive: ReceiveUpload) {
        GenerateStreamRoutes(answer: answer, streams: streams).add(to: group)
        ExpertRoutes(experts: experts, bases: bases).add(to: group)
        KnowledgeBaseRoutes(
            bases: bases, documents: documents, create: create, change: change, remove: remove, attach: attach,
            put: put, receive: receive, search: search
        ).add(to: group)
        NamedDocumentRoutes(bases: bases, put: put, receive: receive).add(to: group)
        KeyRoutes(keys: keys).add(to: group)
        UsageRoutes(usage: usage, keys: keys).add(to: group)
        JobRoutes(jobs: jobs).add(to: group)
    }
}
