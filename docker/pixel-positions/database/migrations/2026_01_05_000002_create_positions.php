<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        // Not `jobs`: that table belongs to the queue.
        Schema::create('positions', function (Blueprint $table): void {
            $table->id();
            $table->foreignId('employer_id')->constrained()->cascadeOnDelete();
            $table->string('title', 140);
            $table->string('slug', 180)->unique();
            $table->string('location', 120);
            $table->string('workplace', 20)->index();
            $table->string('schedule', 20)->index();
            $table->unsignedInteger('salary_min')->nullable();
            $table->unsignedInteger('salary_max')->nullable();
            $table->string('currency', 3)->default('EUR');
            $table->string('summary', 240);
            $table->text('description');
            $table->string('apply_url', 250)->nullable();
            $table->boolean('featured')->default(false);
            $table->timestamps();
            $table->index('created_at');
            $table->index(['featured', 'created_at']);
        });

        Schema::create('tags', function (Blueprint $table): void {
            $table->id();
            $table->string('name', 40)->unique();
            $table->string('slug', 60)->unique();
            $table->timestamps();
        });

        Schema::create('position_tag', function (Blueprint $table): void {
            $table->foreignId('position_id')->constrained()->cascadeOnDelete();
            $table->foreignId('tag_id')->constrained()->cascadeOnDelete();
            $table->primary(['position_id', 'tag_id']);
            $table->index('tag_id');
        });
    }

    public function down(): void
    {
        Schema::dropIfExists('position_tag');
        Schema::dropIfExists('tags');
        Schema::dropIfExists('positions');
    }
};
