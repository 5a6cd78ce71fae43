import ArgumentParser

/// `almanac bench`: how fast the parts of this program are on this machine, through the code that serves users.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast this machine reads, embeds and searches.",
        subcommands: [BenchReading.self, BenchEmbed.self, BenchIndex.self, BenchUpdates.self, BenchTenants.self])
}
