import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.eventtime.SerializableTimestampAssigner;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.ReduceFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.runtime.state.CheckpointStorageFactory;
import org.apache.flink.runtime.state.storage.JobManagerCheckpointStorage;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/**
 * Submits jobs to a Flink cluster for as long as its standard input stays open.
 *
 * <p>Starting a JVM and loading the SQL planner costs seconds, so one process serves a whole test
 * session. Each job is a few lines of tab-separated words, and gets one line back:
 *
 * <pre>
 *   set   KEY   VALUE       a setting of the job, such as pipeline.name
 *   sql   STATEMENT         a table definition, or the INSERT that is the job
 *   late  SECONDS           a DataStream job whose events are that old, instead of SQL
 *   count SHAPE FOLDER      a job that counts for itself, see Counting
 *   steer FOLDER            a job that does what it is told, see Steered
 *   end                     submit; answered by "jid ID" or "error TEXT"
 * </pre>
 */
public final class Submit {
    private static final ConfigOption<Duration> START_DELAY =
            ConfigOptions.key("rig.start-delay").durationType().defaultValue(Duration.ZERO);

    private final Configuration configuration = new Configuration();
    private TableEnvironment tables;
    private JobID submitted;

    private Submit(String[] connection) {
        configuration.setString("execution.target", "remote");
        configuration.setString("rest.address", connection[0]);
        configuration.setString("rest.port", connection[1]);
        configuration.setString("execution.attached", "false");
    }

    /** Takes the REST address and port as arguments. */
    public static void main(String[] connection) throws IOException {
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        // Flink's clients may print; an answer must be the only thing on this stream.
        System.setOut(System.err);
        Submit job = new Submit(connection);
        String failure = null;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.equals("end")) {
                answers.println(failure == null ? "jid\t" + job.submitted : "error\t" + failure);
                job = new Submit(connection);
                failure = null;
            } else if (failure == null) {
                failure = job.attempt(line.split("\t", 3));
            }
        }
    }

    private String attempt(String[] words) {
        try {
            obey(words);
            return null;
        } catch (Exception failure) {
            failure.printStackTrace();
            Throwable cause = failure;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            return cause.toString().replaceAll("\\s+", " ");
        }
    }

    private void obey(String[] words) throws Exception {
        switch (words[0]) {
            case "set" -> configuration.setString(words[1], words[2]);
            case "sql" -> submitSql(words[1]);
            case "late" -> submitLate(Duration.ofSeconds(Long.parseLong(words[1])));
            case "count" -> submitCounting(words[1], words[2]);
            case "steer" -> submitSteered(words[1]);
            default -> throw new IllegalArgumentException("unknown word: " + words[0]);
        }
    }

    private void submitSql(String statement) {
        if (tables == null) {
            tables =
                    TableEnvironment.create(
                            EnvironmentSettings.newInstance()
                                    .inStreamingMode()
                                    .withConfiguration(configuration)
                                    .build());
        }
        TableResult result = tables.executeSql(statement);
        result.getJobClient().ifPresent(client -> submitted = client.getJobID());
    }

    // SQL sources never report the lag of what they emit, nor a watermark of their own: the planner
    // puts both into an operator behind the source. Only a DataStream job shows these two metrics.
    private void submitLate(Duration age) throws Exception {
        // Its factory method would start a cluster of its own inside this process.
        StreamExecutionEnvironment environment = new StreamExecutionEnvironment(configuration);
        environment
                .fromSource(
                        new DataGeneratorSource<>(
                                new Counter(),
                                Long.MAX_VALUE,
                                RateLimiterStrategy.perSecond(20),
                                Types.LONG),
                        WatermarkStrategy.<Long>forBoundedOutOfOrderness(Duration.ZERO)
                                .withTimestampAssigner(new Late(age.toMillis())),
                        "orders")
                .keyBy(new Parity())
                .reduce(new Latest())
                .sinkTo(new DiscardingSink<>());
        submitGraph(environment);
    }

    private void submitCounting(String shape, String folder) throws Exception {
        StreamExecutionEnvironment environment = new StreamExecutionEnvironment(configuration);
        Counting.build(environment, shape, folder);
        submitGraph(environment);
    }

    private void submitSteered(String folder) throws Exception {
        StreamExecutionEnvironment environment = new StreamExecutionEnvironment(configuration);
        Steered.build(environment, folder);
        submitGraph(environment);
    }

    private void submitGraph(StreamExecutionEnvironment environment) throws Exception {
        // executeAsync would wait until the job is initialized, which SlowStorage defers.
        try (RestClusterClient<String> client = new RestClusterClient<>(configuration, "rig")) {
            submitted = client.submitJob(environment.getStreamGraph().getJobGraph()).get();
        }
    }

    // Named classes, because the cluster loads them by name from its class path.

    /** Emits 0, 1, 2 and so on. */
    public static final class Counter implements GeneratorFunction<Long, Long> {
        @Override
        public Long map(Long index) {
            return index;
        }
    }

    /** Stamps every event as old as it is told to. */
    public static final class Late implements SerializableTimestampAssigner<Long> {
        private final long age;

        Late(long age) {
            this.age = age;
        }

        @Override
        public long extractTimestamp(Long event, long recordTimestamp) {
            return System.currentTimeMillis() - age;
        }
    }

    /** Holds a job in INITIALIZING for rig.start-delay, where it usually is for milliseconds. */
    public static final class SlowStorage
            implements CheckpointStorageFactory<JobManagerCheckpointStorage> {
        @Override
        public JobManagerCheckpointStorage createFromConfig(
                ReadableConfig config, ClassLoader loader) {
            try {
                Thread.sleep(config.get(START_DELAY).toMillis());
            } catch (InterruptedException cancelled) {
                Thread.currentThread().interrupt();
            }
            return new JobManagerCheckpointStorage();
        }
    }

    /** Spreads events over two keys, which puts a network exchange behind the source. */
    public static final class Parity implements KeySelector<Long, Long> {
        @Override
        public Long getKey(Long event) {
            return event % 2;
        }
    }

    /** Keeps the later event. */
    public static final class Latest implements ReduceFunction<Long> {
        @Override
        public Long reduce(Long earlier, Long later) {
            return later;
        }
    }
}
