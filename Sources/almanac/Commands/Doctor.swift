import ArgumentParser
import Foundation
import Knowledge
import Providers
import Reading
import Storage
import Vectors

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check that everything Almanac needs is in order.")

    @OptionGroup var place: Place

    @Flag(help: "Also check the keyword index against the chunks, and make it anew where it disagrees.")
    var keywords = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// One thing looked at, and what to do where it is not well.
    private struct Finding {
        enum State: String { case ok = "OK", warning = "WARN", failure = "FAIL" }
        var state: State
        var name: String
        var detail: String
    }

    func run() async throws {
        let configuration = try place.configuration()
        var findings = [model(configuration), disk(configuration)]
        findings.append(await database(configuration))
        if keywords { findings.append(await keywordIndex(configuration)) }
        findings.append(sandbox(configuration))
        for program in ExternalProgram.known { findings.append(await look(for: program)) }
        findings += configuration.ingest.converters.map(converter)
        for provider in configuration.providers { findings.append(await reach(provider)) }
        if json {
            try Terminal.print(
                json: .array(
                    findings.map {
                        [
                            "state": .string($0.state.rawValue), "name": .string($0.name), "detail": .string($0.detail),
                        ]
                    }))
        } else {
            for finding in findings {
                let state = finding.state.rawValue.padding(toLength: 4, withPad: " ", startingAt: 0)
                let name = finding.name.padding(toLength: 10, withPad: " ", startingAt: 0)
                Terminal.print("\(state)  \(name)  \(finding.detail)")
            }
        }
        if findings.contains(where: { $0.state == .failure }) { throw ExitCode(CommandExit.failed.rawValue) }
    }

    private func model(_ configuration: Configuration) -> Finding {
        if let provider = configuration.providers.first(where: {
            $0.embeddingModels.contains(configuration.embeddingModel)
        }) {
            return Finding(
                state: .ok, name: "model", detail: "\(configuration.embeddingModel), served by \(provider.name)")
        }
        let folder = configuration.modelsDirectory + "/" + configuration.embeddingModel
        do {
            let embedder = try LocalEmbedder(folder: folder, name: configuration.embeddingModel, configuration)
            let model = embedder.model
            return Finding(
                state: .ok, name: "model",
                detail: "\(model.name): \(model.dimension) dimensions, \(model.maxTokens) tokens, "
                    + "\(embedder.precision) by \(embedder.kernel), fingerprint \(model.fingerprint.prefix(12)), at \(folder)")
        } catch {
            return Finding(state: .failure, name: "model", detail: "\(error)")
        }
    }

    private func disk(_ configuration: Configuration) -> Finding {
        let existing = FileManager.default.fileExists(atPath: configuration.dataDirectory)
        let path = existing ? configuration.dataDirectory : FileManager.default.currentDirectoryPath
        guard FileManager.default.isWritableFile(atPath: path) else {
            return Finding(state: .failure, name: "disk", detail: "\(path) cannot be written to.")
        }
        // Where the system does not say, there is nothing to warn of.
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
        let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
        let gigabytes = free >> 30
        return Finding(
            state: gigabytes < 1 ? .warning : .ok, name: "disk", detail: "\(gigabytes) GiB free at \(path)")
    }

    /// Looks into the database unless a server has it, which is well too.
    private func database(_ configuration: Configuration) async -> Finding {
        guard FileManager.default.fileExists(atPath: configuration.dataDirectory + "/almanac.db") else {
            return Finding(state: .ok, name: "database", detail: "none yet; the first start makes it")
        }
        do {
            let database = try Database.open(directory: configuration.dataDirectory)
            let summary = try await database.summary()
            try await database.close()
            return Finding(
                state: summary.synchronous == 2 ? .ok : .failure, name: "database",
                detail: "\(summary.documents) documents, \(summary.chunks) chunks, schema \(summary.schema), "
                    + "SQLite \(summary.sqliteVersion), synchronous \(summary.synchronous == 2 ? "FULL" : "not FULL")")
        } catch StorageError.locked {
            return Finding(state: .ok, name: "database", detail: "in use by a running server")
        } catch {
            return Finding(state: .failure, name: "database", detail: "\(error)")
        }
    }

    private func keywordIndex(_ configuration: Configuration) async -> Finding {
        do {
            let database = try Database.open(directory: configuration.dataDirectory)
            let problems = try await database.keywordProblems()
            if !problems.isEmpty { try await database.rebuildKeywords() }
            try await database.close()
            return Finding(
                state: problems.isEmpty ? .ok : .warning, name: "keywords",
                detail: problems.isEmpty
                    ? "the index agrees with the chunks" : problems.joined(separator: "; ") + ": made anew")
        } catch StorageError.locked {
            return Finding(state: .warning, name: "keywords", detail: "stop the running server to check them")
        } catch {
            return Finding(state: .failure, name: "keywords", detail: "\(error)")
        }
    }

    private func sandbox(_ configuration: Configuration) -> Finding {
        let abilities = SandboxAbilities()
        switch configuration.ingest.reading.sandbox {
        case .off:
            let detail = "off by ingest.sandbox; the kernel offers \(abilities)"
            return Finding(state: .warning, name: "sandbox", detail: detail)
        case .prefer:
            return Finding(state: abilities.isComplete ? .ok : .warning, name: "sandbox", detail: "\(abilities)")
        case .require:
            return Finding(
                state: abilities.isComplete ? .ok : .failure, name: "sandbox",
                detail: "\(abilities)" + (abilities.isComplete ? "" : ", but ingest.sandbox is 'require'"))
        }
    }

    private func look(for program: ExternalProgram) async -> Finding {
        do {
            if let (path, version) = try await program.find() {
                return Finding(state: .ok, name: program.name, detail: "\(version), at \(path)")
            }
            return Finding(
                state: .warning, name: program.name,
                detail: "not found, so that \(program.enables) cannot be read; apt-get install \(program.package)")
        } catch {
            return Finding(state: .warning, name: program.name, detail: "\(error)")
        }
    }

    private func converter(_ converter: Converter) -> Finding {
        let suffixes = converter.suffixes.sorted().joined(separator: ", ")
        switch converter.way {
        case .service(let url, _):
            return Finding(state: .ok, name: "converter", detail: "\(converter.name) for \(suffixes), at \(url)")
        case .command(let command):
            let program = command.first ?? ""
            guard let path = ExternalProgram.path(of: program) else {
                return Finding(state: .failure, name: "converter", detail: "\(converter.name): \(program) is not there")
            }
            return Finding(state: .ok, name: "converter", detail: "\(converter.name) for \(suffixes), by \(path)")
        }
    }

    private func reach(_ settings: ProviderSettings) async -> Finding {
        do {
            let models = try await OpenAICompatibleProvider(settings).models()
            return Finding(state: .ok, name: "provider", detail: "\(settings.name): \(models.joined(separator: ", "))")
        } catch {
            return Finding(state: .failure, name: "provider", detail: "\(settings.name): \(error)")
        }
    }
}
