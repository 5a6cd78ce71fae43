import ArgumentParser
import AsyncHTTPClient
import Crypto
import Foundation
import Knowledge
import NIOCore
import NIOHTTP1
import Vectors

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Fetch, list and check models.",
        subcommands: [List.self, Pull.self, Verify.self])

    struct List: AsyncParsableCommand {
        @OptionGroup var session: Session
        @Flag(help: "Print the result as JSON.") var json = false

        func run() async throws {
            try await session.run { client in
                let answer = try await client.get("/v1/models")
                if json { return try Terminal.print(json: answer) }
                Terminal.table(
                    ["ID", "OWNER", "STATUS"],
                    (answer["data"]?.array ?? []).map { model in
                        ["id", "owned_by", "status"].map { model[$0]?.string ?? "" }
                    })
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Load an installed embedding model and show what it is.")
        @OptionGroup var place: Place
        @Argument(help: "Its name (default: the configured one).") var name: String?

        func run() async throws {
            let configuration = try place.configuration()
            let name = name ?? configuration.embeddingModel
            let folder = configuration.modelsDirectory + "/" + name
            guard FileManager.default.fileExists(atPath: folder) else {
                throw CommandFailure(.notFound, "There is no model at \(folder).")
            }
            let model = try LocalEmbedder(folder: folder, name: name, threads: 1).model
            Terminal.print("\(model.name)\t\(model.dimension)\t\(model.maxTokens)\t\(model.fingerprint)")
        }
    }

    /// Fetches a model folder file by file, as model hubs serve them.
    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetch an embedding model from a Hugging Face-style address.",
            discussion: "The address is that of the folder, such as https://huggingface.co/OWNER/NAME/resolve/main.")

        /// What an encoder's folder holds; those without which there is no model come first.
        private static let required = ["config.json", "model.safetensors"]
        private static let optional = [
            "tokenizer.json", "vocab.txt", "modules.json", "sentence_bert_config.json", "tokenizer_config.json",
            "config_sentence_transformers.json", "special_tokens_map.json", "1_Pooling/config.json",
            "2_Dense/config.json", "2_Dense/model.safetensors",
        ]

        @OptionGroup var place: Place
        @Argument(help: "The folder's address.") var url: String
        @Option(help: "The name under which it is kept (default: taken from the address).") var name: String?
        @Option(help: "The SHA-256 that model.safetensors must have.") var sha256: String?

        func run() async throws {
            let configuration = try place.configuration()
            let name = try kept()
            let folder = URL(fileURLWithPath: configuration.modelsDirectory + "/" + name)
            let temporary = folder.appendingPathExtension("part-\(UUID().uuidString)")
            do {
                for file in Self.required + Self.optional {
                    try await fetch(file, to: temporary, isRequired: Self.required.contains(file))
                }
                let model = try LocalEmbedder(folder: temporary.path, name: name, threads: 1).model
                _ = try? FileManager.default.removeItem(at: folder)  // it need not be there
                try FileManager.default.moveItem(at: temporary, to: folder)
                Terminal.endProgress()
                Terminal.print("\(model.name)\t\(model.dimension)\t\(model.maxTokens)\t\(model.fingerprint)")
            } catch {
                _ = try? FileManager.default.removeItem(at: temporary)  // it may not have come to be
                throw error
            }
        }

        /// A name that is one folder, whatever the address says.
        private func kept() throws -> String {
            let parts = (URL(string: url)?.path ?? "").split(separator: "/").map(String.init)
            let guessed = parts.firstIndex(of: "resolve").flatMap { $0 > 0 ? parts[$0 - 1] : nil } ?? parts.last
            guard let name = name ?? guessed, !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
                throw CommandFailure(.usage, "Give the model a name with --name.")
            }
            return name
        }

        private func fetch(_ file: String, to folder: URL, isRequired: Bool) async throws {
            let response: HTTPClientResponse
            do {
                response = try await HTTPClient.shared.execute(HTTPClientRequest(url: "\(url)/\(file)"), timeout: .hours(1))
            } catch {
                throw CommandFailure(.unavailable, "\(url) cannot be reached: \(error)")
            }
            guard response.status == .ok else {
                guard isRequired else { return }
                throw CommandFailure(.notFound, "\(url)/\(file): status \(response.status.code).")
            }
            let target = folder.appendingPathComponent(file)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            guard FileManager.default.createFile(atPath: target.path, contents: nil) else {
                throw CommandFailure(.failed, "\(target.path) cannot be written.")
            }
            let handle = try FileHandle(forWritingTo: target)
            var hash = SHA256()
            var received = 0
            for try await part in response.body {
                let bytes = Data(part.readableBytesView)
                try handle.write(contentsOf: bytes)
                hash.update(data: bytes)
                received += bytes.count
                Terminal.progress("\(file) \(received >> 20) MiB")
            }
            try handle.close()
            if file == "model.safetensors", let sha256, hash.finalize().hexadecimal != sha256.lowercased() {
                throw CommandFailure(.failed, "model.safetensors is not the file of SHA-256 \(sha256).")
            }
        }
    }
}
