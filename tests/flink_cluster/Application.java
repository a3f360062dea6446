import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.core.plugin.PluginUtils;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * A job for application mode, where a cluster runs one job and ends with it.
 *
 * <p>The job does nothing until the file that is its second argument exists, and then what that
 * says: {@code finish} or {@code fail}. The first argument is its name.
 */
public final class Application {
    private Application() {}

    /** Runs the job; called by Flink within the JobManager. */
    public static void main(String[] words) throws Exception {
        startTaskManager();
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.getExecutionEnvironment();
        environment
                .fromSequence(0, 0)
                .map(new Obey(words[1]))
                .sinkTo(new DiscardingSink<>());
        environment.execute(words[0]);
    }

    // In the same process: that spares the tests half of their JVMs, and a JobManager that ends
    // takes it along.
    private static void startTaskManager() throws Exception {
        Configuration configuration = GlobalConfiguration.loadConfiguration();
        new TaskManagerRunner(
                        configuration,
                        PluginUtils.createPluginManagerFromRootFolder(configuration),
                        TaskManagerRunner::createTaskExecutorService)
                .start();
    }

    /** Waits for an order. */
    public static final class Obey implements MapFunction<Long, Long> {
        private final String file;

        Obey(String file) {
            this.file = file;
        }

        @Override
        public Long map(Long number) throws Exception {
            Path order = Path.of(file);
            while (!Files.exists(order)) {
                Thread.sleep(20);
            }
            if (Files.readString(order).startsWith("fail")) {
                throw new IllegalStateException("told to fail");
            }
            return number;
        }
    }
}
