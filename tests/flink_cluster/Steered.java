import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.apache.flink.api.common.eventtime.SerializableTimestampAssigner;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.runtime.state.CheckpointStorageFactory;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.state.storage.JobManagerCheckpointStorage;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * A job of one vertex that files of a folder tell what to do, while it runs.
 *
 * <pre>
 *   age       how old its events are: SECONDS, MORE seconds in each second, since when (epoch, ms)
 *   crash     fail at a record, so many times
 *   decline   fail checkpoints, so many of them: with more state than their storage takes
 *   linger    do not end while it is there, whoever cancels
 *   hold      stay INITIALIZING while it is there; for jobs whose checkpoint storage is Patience
 * </pre>
 */
public final class Steered {
    private static final ConfigOption<String> FOLDER =
            ConfigOptions.key("rig.folder").stringType().noDefaultValue();
    private static final long LOOK_AGAIN_MS = 50;
    private static final int MOST_STATE = 1 << 14;

    private Steered() {}

    static void build(StreamExecutionEnvironment environment, String folder) {
        environment
                .fromSource(
                        new DataGeneratorSource<>(
                                new Submit.Counter(),
                                Long.MAX_VALUE,
                                RateLimiterStrategy.perSecond(20),
                                Types.LONG),
                        WatermarkStrategy.<Long>forMonotonousTimestamps()
                                .withTimestampAssigner(new Aged(folder)),
                        "orders")
                .map(new Obedient(folder))
                .sinkTo(new DiscardingSink<>());
    }

    /** Returns what a file says, or nothing when there is none. */
    private static String told(String folder, String name) throws IOException {
        try {
            return Files.readString(Path.of(folder, name)).strip();
        } catch (NoSuchFileException none) {
            return "";
        }
    }

    /** Says whether something is to be done once more, and takes note that it is. */
    private static boolean onceMore(String folder, String name) throws IOException {
        String told = told(folder, name);
        if (told.isEmpty()) {
            return false;
        }
        long left = Long.parseLong(told) - 1;
        if (left > 0) {
            Files.writeString(Path.of(folder, name), String.valueOf(left));
        } else {
            Files.deleteIfExists(Path.of(folder, name));
        }
        return true;
    }

    private static void waitWhile(File file) {
        while (file.exists()) {
            try {
                Thread.sleep(LOOK_AGAIN_MS);
            } catch (InterruptedException cancelled) {
                // Whoever lingers does so in spite of it.
            }
        }
    }

    /** Stamps every event as old as the file says. */
    public static final class Aged implements SerializableTimestampAssigner<Long> {
        private final String folder;

        Aged(String folder) {
            this.folder = folder;
        }

        @Override
        public long extractTimestamp(Long event, long recordTimestamp) {
            long now = System.currentTimeMillis();
            try {
                String[] words = told(folder, "age").split(" ");
                if (words.length < 3) {
                    return now;
                }
                double grown = Double.parseDouble(words[1]) * (now - Long.parseLong(words[2]));
                return now - (long) (Double.parseDouble(words[0]) * 1000 + grown);
            } catch (IOException unreadable) {
                throw new IllegalStateException(unreadable);
            }
        }
    }

    /** Does what it is told. */
    public static final class Obedient extends RichMapFunction<Long, Long>
            implements CheckpointedFunction {
        private final String folder;
        private transient ListState<byte[]> state;

        Obedient(String folder) {
            this.folder = folder;
        }

        @Override
        public Long map(Long event) throws IOException {
            if (onceMore(folder, "crash")) {
                throw new IllegalStateException("told to crash");
            }
            return event;
        }

        @Override
        public void snapshotState(FunctionSnapshotContext context) throws Exception {
            // To throw something here would be a crash.
            state.clear();
            if (onceMore(folder, "decline")) {
                state.add(new byte[2 * MOST_STATE]);
            }
        }

        @Override
        public void initializeState(FunctionInitializationContext context) throws Exception {
            state =
                    context.getOperatorStateStore()
                            .getListState(new ListStateDescriptor<>("state", byte[].class));
        }

        @Override
        public void close() {
            waitWhile(new File(folder, "linger"));
        }
    }

    /** Holds a job in INITIALIZING. */
    public static final class Patience
            implements CheckpointStorageFactory<JobManagerCheckpointStorage> {
        @Override
        public JobManagerCheckpointStorage createFromConfig(
                ReadableConfig config, ClassLoader loader) {
            waitWhile(new File(config.get(FOLDER), "hold"));
            return new JobManagerCheckpointStorage(MOST_STATE);
        }
    }
}
