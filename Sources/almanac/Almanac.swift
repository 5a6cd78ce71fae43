import ArgumentParser
import Reading

/// The program: a server, and the commands that speak to it.
@main
struct Almanac: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "almanac",
        abstract: "A knowledge base that answers through the OpenAI API.",
        version: version,
        subcommands: [
            Serve.self, Add.self, Sync.self, Search.self, Ask.self, KnowledgeBaseCommand.self, ExpertCommand.self,
            KeyCommand.self, JobCommand.self, ModelCommand.self, Extract.self, ChunkCommand.self, Evaluate.self,
            Bench.self, Doctor.self, Fsck.self,
        ]
    )

    static func main() async {
        becomeReader(CommandLine.arguments.dropFirst())
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: CommandFailure.presentable(error))
        }
    }

    /// Started by ourselves to read a document, this process does that and nothing else, before it has looked at anything.
    private static func becomeReader(_ arguments: ArraySlice<String>) {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case ReadingChild.command: ReadingChild.run(rest)
        case ReadingChild.converterCommand: ReadingChild.convert(rest)
        default: return
        }
    }
}
