import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Jobs that count for themselves what they have read and written since their last restart.
 *
 * <p>Each subtask keeps its count in a file of a folder, `read-0` or `written-0`; one that finds a
 * file `crash` there deletes it and fails. Of three shapes:
 *
 * <pre>
 *   chained    all in one vertex, with a filter in it
 *   unchained  each operator a vertex of its own
 *   reduced    a source, and behind an exchange an aggregate and a filter chained to the sink
 * </pre>
 */
public final class Counting {
    private static final int PER_SECOND = 50;

    private Counting() {}

    static void build(StreamExecutionEnvironment environment, String shape, String folder) {
        if (shape.equals("unchained")) {
            environment.disableOperatorChaining();
        }
        SingleOutputStreamOperator<Long> read =
                environment
                        .fromSource(
                                new DataGeneratorSource<>(
                                        new Submit.Counter(),
                                        Long.MAX_VALUE,
                                        RateLimiterStrategy.perSecond(PER_SECOND),
                                        Types.LONG),
                                WatermarkStrategy.noWatermarks(),
                                "orders")
                        .map(new Tally(folder));
        if (shape.equals("reduced")) {
            read = read.keyBy(new Submit.Parity()).reduce(new Submit.Latest());
        }
        read.filter(new Third()).sinkTo(new Till(folder));
    }

    /** A count that is seen from outside, and outlives the one who counts. */
    private static final class Ledger implements AutoCloseable {
        private final RandomAccessFile file;
        private long count;

        Ledger(String folder, String name, int subtask) throws IOException {
            file = new RandomAccessFile(new File(folder, name + "-" + subtask), "rw");
            write();
        }

        void add() throws IOException {
            count++;
            write();
        }

        private void write() throws IOException {
            file.seek(0);
            file.write(String.format("%020d", count).getBytes(StandardCharsets.US_ASCII));
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    /** Counts what the source emits, and fails when it is told to. */
    public static final class Tally extends RichMapFunction<Long, Long> {
        private final String folder;
        private transient Ledger ledger;

        Tally(String folder) {
            this.folder = folder;
        }

        @Override
        public void open(OpenContext context) throws IOException {
            int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
            ledger = new Ledger(folder, "read", subtask);
        }

        @Override
        public Long map(Long event) throws IOException {
            if (new File(folder, "crash").delete()) {
                throw new IllegalStateException("told to crash");
            }
            ledger.add();
            return event;
        }

        @Override
        public void close() throws IOException {
            if (ledger != null) {
                ledger.close();
            }
        }
    }

    /** Lets every third event through, so that less is written than read. */
    public static final class Third implements FilterFunction<Long> {
        @Override
        public boolean filter(Long event) {
            return event % 3 == 0;
        }
    }

    /** Counts what is written. */
    public static final class Till implements Sink<Long> {
        private final String folder;

        Till(String folder) {
            this.folder = folder;
        }

        @Override
        public SinkWriter<Long> createWriter(WriterInitContext context) throws IOException {
            int subtask = context.getTaskInfo().getIndexOfThisSubtask();
            Ledger ledger = new Ledger(folder, "written", subtask);
            return new SinkWriter<>() {
                @Override
                public void write(Long event, Context of) throws IOException {
                    ledger.add();
                }

                @Override
                public void flush(boolean endOfInput) {}

                @Override
                public void close() throws IOException {
                    ledger.close();
                }
            };
        }
    }
}
